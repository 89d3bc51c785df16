#include "targets/board_runner/kernel.h"

#include <HalideRuntime.h>
#include <unistd.h>

#include <cstring>
#include <limits>
#include <mutex>
#include <utility>

#include "targets/counter_rng.h"

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

}  // namespace

void ConfigureHalideRuntime(int threads) {
  halide_set_num_threads(threads);
  halide_set_error_handler(KeepFirstError);
  halide_set_custom_print(PrintToStderr);
}

struct alignas(4096) Kernel::Buffer {
  static constexpr size_t kMostDimensions = 64;
  halide_buffer_t buffer = {};
  std::array<halide_dimension_t, kMostDimensions> dims{};
};

Kernel::~Kernel() = default;

std::unique_ptr<Kernel> Kernel::Make(const LoadedElf& elf, const EntrySpec& spec, uint64_t seed,
                                     std::string* error) {
  std::unique_ptr<Kernel> kernel(new Kernel);
  kernel->spec_ = spec;
  kernel->seed_ = seed;
  const std::string symbol = spec.symbol + "_argv";
  kernel->function_ = reinterpret_cast<int (*)(void**)>(elf.Find(symbol));
  if (kernel->function_ == nullptr) {
    *error = "the artifact does not export " + symbol;
    return nullptr;
  }
  if (BufferSpec{spec.canonical_output}.elements() != spec.output.elements()) {
    *error = spec.symbol + ": canonical_output and output differ in size";
    return nullptr;
  }
  for (int64_t point : spec.probe_points) {
    if (point < 0 || point >= spec.output.elements()) {
      *error = spec.symbol + ": a probe point lies outside the output";
      return nullptr;
    }
  }
  if (spec.inputs.size() >= kMostArguments) {
    *error = spec.symbol + ": too many inputs";
    return nullptr;
  }
  for (size_t i = 0; i < spec.inputs.size(); ++i) {
    auto tensor = std::make_unique<Tensor>(spec.inputs[i].elements());
    tensor->FillUniform(seed, i);
    kernel->input_checksums_.push_back(tensor->Checksum());
    kernel->arguments_[kernel->n_arguments_++] = kernel->AddBuffer(spec.inputs[i], *tensor);
    kernel->inputs_.push_back(std::move(tensor));
  }
  if (spec.prepare && !kernel->AddPrepare(elf, error)) return nullptr;
  kernel->output_ = std::make_unique<Tensor>(spec.output.elements());
  kernel->arguments_[kernel->n_arguments_++] = kernel->AddBuffer(spec.output, *kernel->output_);
  return kernel;
}

bool Kernel::AddPrepare(const LoadedElf& elf, std::string* error) {
  const PrepareSpec& prepare = *spec_.prepare;
  const std::string symbol = prepare.symbol + "_argv";
  prepare_ = reinterpret_cast<int (*)(void**)>(elf.Find(symbol));
  if (prepare_ == nullptr) {
    *error = "the artifact does not export " + symbol;
    return false;
  }
  if (prepare.input < 0 || prepare.input >= static_cast<int>(spec_.inputs.size())) {
    *error = spec_.symbol + ": what is prepared is not one of the inputs";
    return false;
  }
  packed_ = std::make_unique<Tensor>(prepare.packed.elements());
  halide_buffer_t* packed = AddBuffer(prepare.packed, *packed_);
  prepare_arguments_ = {std::exchange(arguments_[static_cast<size_t>(prepare.input)], packed),
                        packed};
  return true;
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

int Kernel::Prepare() {
  if (prepare_ == nullptr) return 0;
  packed_->Poison();
  const int error = prepare_(prepare_arguments_.data());
  packed_checksum_ = packed_->Checksum();
  return error;
}

int Kernel::Run() { return function_(arguments_.data()); }

void Kernel::PoisonOutput() {
  output_->Poison();
  const std::lock_guard<std::mutex> lock(first_error_mutex);
  first_error.clear();
}

void Kernel::TouchOperands() const {
  constexpr size_t kLine = 64;
  const auto touch = [](const Tensor& tensor) {
    const auto* bytes = reinterpret_cast<const volatile uint8_t*>(tensor.data());
    const size_t n = static_cast<size_t>(tensor.elements()) * sizeof(float);
    for (size_t at = 0; at < n; at += kLine) (void)bytes[at];
  };
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const bool packed = packed_ && static_cast<int>(i) == spec_.prepare->input;
    touch(packed ? *packed_ : *inputs_[i]);
  }
  touch(*output_);
}

void Kernel::ReadOutput(EntryResult* result) const {
  {
    const std::lock_guard<std::mutex> lock(first_error_mutex);
    result->kernel_message = first_error;
  }
  const Tensor::ScanResult scan = output_->Scan();
  result->poison_left = scan.poison_left;
  result->non_finite = scan.non_finite;
  result->probe_values.clear();
  for (int64_t point : spec_.probe_points) {
    result->probe_values.push_back(output_->data()[point]);
  }
  if (spec_.projection) result->projection = Projection();
  CheckIntegrity(result);
}

void Kernel::CheckIntegrity(EntryResult* result) const {
  if (!output_->GuardsIntact()) result->guards_intact = false;
  if (packed_ && (packed_->Checksum() != packed_checksum_ || !packed_->GuardsIntact())) {
    result->inputs_intact = false;
  }
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i]->Checksum() != input_checksums_[i] || !inputs_[i]->GuardsIntact()) {
      result->inputs_intact = false;
    }
  }
}

// Row by row over the innermost dimension; the outer indices advance like an odometer.
double Kernel::Projection() const {
  const std::vector<int64_t>& extents = spec_.canonical_output;
  if (extents.empty()) return output_->data()[0];
  std::vector<std::vector<double>> signs(extents.size());
  for (size_t d = 0; d < extents.size(); ++d) {
    for (int64_t i = 0; i < extents[d]; ++i) signs[d].push_back(ProjectionSign(seed_, d, i));
  }
  const size_t inner = extents.size() - 1;
  std::vector<int64_t> index(extents.size(), 0);
  double sum = 0;
  const float* row = output_->data();
  for (int64_t done = 0; done < output_->elements(); done += extents[inner]) {
    double row_sum = 0;
    for (int64_t i = 0; i < extents[inner]; ++i) row_sum += row[i] * signs[inner][i];
    row += extents[inner];
    double sign = 1;
    for (size_t d = 0; d < inner; ++d) sign *= signs[d][index[d]];
    sum += sign * row_sum;
    for (size_t d = inner; d-- > 0;) {
      if (++index[d] < extents[d]) break;
      index[d] = 0;
    }
  }
  return sum;
}

}  // namespace halyard
