// A function of an artifact, bound to the tensors it is called with.
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

// The first error reported through the runtime since the last call.
std::string TakeFirstError();

// Begins a page, as do its buffers: what a counted run reads of them lies at the same place within
// a page whatever else the runner has allocated.
class alignas(4096) Kernel {
 public:
  // `inputs` and `output` as in the spec, `packed` where it prepares something; they outlive this.
  // nullptr and one line in *error where the entry is not in the artifact.
  static std::unique_ptr<Kernel> Make(const LoadedElf& elf, const EntrySpec& spec,
                                      const std::vector<std::unique_ptr<Tensor>>& inputs,
                                      const Tensor* packed, const Tensor& output,
                                      std::string* error);
  ~Kernel();

  // The kernel's own return value.
  int Run();
  // Reads the line that Run finds the function in.
  void TouchFunction() const { (void)*const_cast<int (*const volatile*)(void**)>(&function_); }
  // Runs what the kernel needs done once before it; call before the first Run. Returns like Run.
  int Prepare();

  static constexpr size_t kMostArguments = 32;

 private:
  Kernel() = default;
  halide_buffer_t* AddBuffer(const BufferSpec& spec, const Tensor& tensor);

  struct Buffer;
  std::vector<std::unique_ptr<Buffer>> buffers_;
  int (*function_)(void**) = nullptr;
  // Virtual cycles tell how many lines a call reads: up to six arguments lie in one, and the
  // function in another.
  alignas(64) size_t n_arguments_ = 0;
  int (*prepare_)(void**) = nullptr;
  std::array<void*, kMostArguments> arguments_{};
  std::vector<void*> prepare_arguments_;
};

}  // namespace halyard
