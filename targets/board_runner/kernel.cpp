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

int (*FindEntry(const LoadedElf& elf, const std::string& symbol, std::string* error))(void**) {
  void* const entry = elf.Find(symbol + "_argv");
  if (entry == nullptr) *error = "the artifact does not export " + symbol + "_argv";
  return reinterpret_cast<int (*)(void**)>(entry);
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
                                     const EntryTensors& tensors, std::string* error) {
  std::unique_ptr<Kernel> kernel(new Kernel);
  kernel->function_ = FindEntry(elf, spec.symbol, error);
  if (kernel->function_ == nullptr) return nullptr;
  if (spec.inputs.size() >= kMostArguments) {
    *error = spec.symbol + ": too many inputs";
    return nullptr;
  }
  for (size_t i = 0; i < spec.inputs.size(); ++i) {
    const Tensor& tensor = *tensors.inputs[i];
    kernel->arguments_[kernel->n_arguments_++] = kernel->AddBuffer(spec.inputs[i], tensor);
    kernel->operands_.push_back(&tensor);
  }
  if (spec.prepare) {
    kernel->prepare_ = FindEntry(elf, spec.prepare->symbol, error);
    if (kernel->prepare_ == nullptr) return nullptr;
    const auto input = static_cast<size_t>(spec.prepare->input);
    halide_buffer_t* packed = kernel->AddBuffer(spec.prepare->packed, *tensors.packed);
    kernel->prepare_arguments_ = {std::exchange(kernel->arguments_.at(input), packed), packed};
    kernel->operands_.at(input) = tensors.packed.get();
  }
  kernel->arguments_[kernel->n_arguments_++] = kernel->AddBuffer(spec.output, *tensors.output);
  kernel->operands_.push_back(tensors.output.get());
  return kernel;
}

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

int Kernel::Prepare() { return prepare_ == nullptr ? 0 : prepare_(prepare_arguments_.data()); }

int Kernel::Run() { return function_(arguments_.data()); }

void Kernel::TouchOperands() const {
  constexpr size_t kLine = 64;
  for (const Tensor* tensor : operands_) {
    const auto* bytes = reinterpret_cast<const volatile uint8_t*>(tensor->data());
    const size_t n = static_cast<size_t>(tensor->elements()) * sizeof(float);
    for (size_t at = 0; at < n; at += kLine) (void)bytes[at];
  }
}

}  // namespace halyard
