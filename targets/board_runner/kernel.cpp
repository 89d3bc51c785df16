#include "targets/board_runner/kernel.h"

#include <HalideRuntime.h>
#include <unistd.h>

#include <cstring>
#include <mutex>
#include <utility>

namespace halyard {
namespace {

std::mutex first_error_mutex;
std::string first_error;

void KeepFirstError(void*, const char* message) {
  const std::lock_guard<std::mutex> lock(first_error_mutex);
  if (first_error.empty()) first_error = message;
}

void PrintToStderr(void*, const char* text) {
  if (write(STDERR_FILENO, text, std::strlen(text)) < 0) return;
}

using Function = int (*)(void**);

Function FindFunction(const LoadedElf& elf, const std::string& name, std::string* error) {
  const std::string symbol = name + "_argv";
  const auto function = reinterpret_cast<Function>(elf.Find(symbol));
  if (function == nullptr) *error = "the artifact does not export " + symbol;
  return function;
}

}  // namespace

void ConfigureHalideRuntime(int threads) {
  halide_set_num_threads(threads);
  halide_set_error_handler(KeepFirstError);
  halide_set_custom_print(PrintToStderr);
}

std::string TakeFirstError() {
  const std::lock_guard<std::mutex> lock(first_error_mutex);
  return std::exchange(first_error, "");
}

struct alignas(4096) Kernel::Buffer {
  static constexpr size_t kMostDimensions = 64;
  halide_buffer_t buffer = {};
  std::array<halide_dimension_t, kMostDimensions> dims{};
};

Kernel::~Kernel() = default;

std::unique_ptr<Kernel> Kernel::Make(const LoadedElf& elf, const EntrySpec& spec,
                                     const std::vector<std::unique_ptr<Tensor>>& inputs,
                                     const Tensor* packed, const Tensor& output,
                                     std::string* error) {
  std::unique_ptr<Kernel> kernel(new Kernel);
  kernel->function_ = FindFunction(elf, spec.symbol, error);
  if (kernel->function_ == nullptr) return nullptr;
  for (size_t i = 0; i < inputs.size(); ++i) {
    kernel->arguments_.at(kernel->n_arguments_++) = kernel->AddBuffer(spec.inputs[i], *inputs[i]);
  }
  if (spec.prepare) {
    kernel->prepare_ = FindFunction(elf, spec.prepare->symbol, error);
    if (kernel->prepare_ == nullptr) return nullptr;
    halide_buffer_t* buffer = kernel->AddBuffer(spec.prepare->packed, *packed);
    auto& replaced = kernel->arguments_.at(static_cast<size_t>(spec.prepare->input));
    kernel->prepare_arguments_ = {std::exchange(replaced, buffer), buffer};
  }
  kernel->arguments_.at(kernel->n_arguments_++) = kernel->AddBuffer(spec.output, output);
  return kernel;
}

// Not in the header: the instructions of the call are counted with the kernel's.
int Kernel::Run() { return function_(arguments_.data()); }

int Kernel::Prepare() { return prepare_ == nullptr ? 0 : prepare_(prepare_arguments_.data()); }

halide_buffer_t* Kernel::AddBuffer(const BufferSpec& spec, const Tensor& tensor) {
  auto b = std::make_unique<Buffer>();
  int32_t stride = 1;
  for (size_t d = spec.extents.size(); d-- > 0;) {
    const auto extent = static_cast<int32_t>(spec.extents[d]);
    b->dims.at(spec.extents.size() - 1 - d) = {0, extent, stride};  // innermost first
    stride *= extent;
  }
  b->buffer.host = reinterpret_cast<uint8_t*>(tensor.data());
  b->buffer.type = halide_type_of<float>();
  b->buffer.dimensions = static_cast<int32_t>(spec.extents.size());
  b->buffer.dim = b->dims.data();
  buffers_.push_back(std::move(b));
  return &buffers_.back()->buffer;
}

}  // namespace halyard
