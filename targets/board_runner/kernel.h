// One entry of an artifact on the tensors it is run on.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "targets/board_runner/elf_loader.h"
#include "targets/judge/entry_tensors.h"
#include "targets/run_protocol.h"

struct halide_buffer_t;
struct halide_dimension_t;

namespace halyard {

// Sets the runtime linked into the runner up: threads, errors returned instead of aborting, and
// prints kept off stdout.
void ConfigureHalideRuntime(int threads);

// The first error that kernels reported since this was last asked.
std::string TakeFirstError();

// Begins a page, as do its buffers: what a counted run reads of them lies at the same place within
// a page whatever else the runner has allocated.
class alignas(4096) Kernel {
 public:
  // nullptr and one line in *error where the entry is not in the artifact or makes no sense.
  // `tensors` are there as long as the kernel is.
  static std::unique_ptr<Kernel> Make(const LoadedElf& elf, const EntrySpec& spec,
                                      const EntryTensors& tensors, std::string* error);
  ~Kernel();

  // The kernel's own return value.
  int Run();
  // Runs what the kernel needs done once before it; call before the first Run. Returns like Run.
  int Prepare();
  // Reads a byte of each cache line of what Run is given, the output last.
  void TouchOperands() const;

 private:
  Kernel() = default;
  halide_buffer_t* AddBuffer(const BufferSpec& spec, const Tensor& tensor);

  struct Buffer;
  int (*function_)(void**) = nullptr;
  int (*prepare_)(void**) = nullptr;
  std::vector<const Tensor*> operands_;  // of Run, the output last
  std::vector<std::unique_ptr<Buffer>> buffers_;
  static constexpr size_t kMostArguments = 32;
  size_t n_arguments_ = 0;
  std::array<void*, kMostArguments> arguments_{};
  std::vector<void*> prepare_arguments_;
};

}  // namespace halyard
