// One entry of an artifact with the tensors it is run on.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "targets/board_runner/elf_loader.h"
#include "targets/board_runner/tensor.h"
#include "targets/run_protocol.h"

struct halide_buffer_t;
struct halide_dimension_t;

namespace halyard {

// Sets the runtime linked into the runner up: threads, errors returned instead of aborting, and
// prints kept off stdout.
void ConfigureHalideRuntime(int threads);

// Begins a page, as do its buffers: what a counted run reads of them lies at the same place within
// a page whatever else the runner has allocated.
class alignas(4096) Kernel {
 public:
  // nullptr and one line in *error where the entry is not in the artifact or makes no sense.
  // Throws std::bad_alloc where the tensors do not fit.
  static std::unique_ptr<Kernel> Make(const LoadedElf& elf, const EntrySpec& spec, uint64_t seed,
                                      std::string* error);
  ~Kernel();

  // The kernel's own return value.
  int Run();
  // Runs what the kernel needs done once before it; call before the first Run. Returns like Run.
  int Prepare();
  // Poisons the output and, after the caller ran the kernel once, reports what it left there.
  void PoisonOutput();
  // Reads a byte of each cache line of what Run is given, the output last.
  void TouchOperands() const;
  void ReadOutput(EntryResult* result) const;
  // Clears guards_intact or inputs_intact where the kernel has since written outside its output.
  void CheckIntegrity(EntryResult* result) const;

 private:
  Kernel() = default;
  halide_buffer_t* AddBuffer(const BufferSpec& spec, const Tensor& tensor);
  bool AddPrepare(const LoadedElf& elf, std::string* error);
  double Projection() const;

  struct Buffer;
  EntrySpec spec_;
  uint64_t seed_ = 0;
  int (*function_)(void**) = nullptr;
  int (*prepare_)(void**) = nullptr;
  std::vector<std::unique_ptr<Tensor>> inputs_;
  std::vector<uint64_t> input_checksums_;
  std::unique_ptr<Tensor> output_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::unique_ptr<Tensor> packed_;
  uint64_t packed_checksum_ = 0;
  static constexpr size_t kMostArguments = 32;
  size_t n_arguments_ = 0;
  std::array<void*, kMostArguments> arguments_{};
  std::vector<void*> prepare_arguments_;
};

}  // namespace halyard
