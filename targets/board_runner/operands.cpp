#include "targets/board_runner/operands.h"

#include <algorithm>
#include <cmath>

#include "targets/board_runner/kernel.h"
#include "targets/counter_rng.h"

namespace halyard {
namespace {

std::unique_ptr<Tensor> OfThisProcess(int64_t elements, int, int64_t) {
  return std::make_unique<Tensor>(elements);
}

std::unique_ptr<Tensor> OfTheJudge(int64_t elements, int file, int64_t offset) {
  return std::make_unique<Tensor>(elements, file, offset, Tensor::Side::kJudge);
}

}  // namespace

int64_t TensorsBegin(int64_t bytes) {
  constexpr int64_t kLargestPage = 64 * 1024;
  return (bytes + kLargestPage - 1) / kLargestPage * kLargestPage;
}

SharedLayout::SharedLayout(const EntrySpec& spec, int64_t begin) : end(begin) {
  const auto next = [&](const BufferSpec& buffer) {
    const int64_t offset = end;
    end += Tensor::SharedBytes(buffer.elements());
    return offset;
  };
  for (const BufferSpec& input : spec.inputs) inputs.push_back(next(input));
  if (spec.prepare) packed = next(spec.prepare->packed);
  output = next(spec.output);
}

std::string Operands::Problem(const EntrySpec& spec) {
  if (BufferSpec{spec.canonical_output}.elements() != spec.output.elements()) {
    return spec.symbol + ": canonical_output and output differ in size";
  }
  for (int64_t point : spec.probe_points) {
    if (point < 0 || point >= spec.output.elements()) {
      return spec.symbol + ": a probe point lies outside the output";
    }
  }
  if (spec.inputs.size() >= Kernel::kMostArguments) return spec.symbol + ": too many inputs";
  if (spec.prepare &&
      (spec.prepare->input < 0 || spec.prepare->input >= static_cast<int>(spec.inputs.size()))) {
    return spec.symbol + ": what is prepared is not one of the inputs";
  }
  return "";
}

Operands::Operands(const EntrySpec& spec, uint64_t seed)
    : Operands(spec, seed, OfThisProcess, -1, SharedLayout(spec, 0)) {}

Operands::Operands(const EntrySpec& spec, uint64_t seed, int file, const SharedLayout& layout)
    : Operands(spec, seed, OfTheJudge, file, layout) {}

Operands::Operands(const EntrySpec& spec, uint64_t seed,
                   std::unique_ptr<Tensor> (*make)(int64_t, int, int64_t), int file,
                   const SharedLayout& layout)
    : spec_(spec), seed_(seed) {
  for (size_t i = 0; i < spec.inputs.size(); ++i) {
    inputs_.push_back(make(spec.inputs[i].elements(), file, layout.inputs[i]));
    inputs_.back()->FillUniform(seed, i);
    input_checksums_.push_back(inputs_.back()->Checksum());
  }
  if (spec.prepare) packed_ = make(spec.prepare->packed.elements(), file, layout.packed);
  output_ = make(spec.output.elements(), file, layout.output);
}

void Operands::PoisonPacked() {
  if (packed_) packed_->Poison();
}

void Operands::KeepPacked() {
  if (packed_) packed_checksum_ = packed_->Checksum();
}

void Operands::TouchOperands() const {
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

void Operands::Scan(EntryResult* result) const {
  const Tensor::ScanResult scan = output_->Scan();
  // What an earlier look has found stays found.
  result->poison_left = std::max(result->poison_left, scan.poison_left);
  result->non_finite = std::max(result->non_finite, scan.non_finite);
  CheckIntegrity(result);
}

void Operands::ReadOutput(EntryResult* result) const {
  Scan(result);
  result->probe_values.clear();
  for (int64_t point : spec_.probe_points) {
    result->probe_values.push_back(output_->data()[point]);
  }
  if (spec_.projection) result->projection = Projection();
}

void Operands::CheckIntegrity(EntryResult* result) const {
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

void Operands::PlaceDecoys() {
  // 16 lines fetched from the other core are a microsecond or two.
  constexpr int64_t kDecoys = 16;
  decoys_.clear();
  for (int64_t i = 0; i < std::min(kDecoys, output_->elements()); ++i) {
    const uint64_t drawn = (uint64_t{draw_()} << 32) | draw_();
    const auto element = static_cast<int64_t>(drawn % static_cast<uint64_t>(output_->elements()));
    const float right = output_->data()[element];
    const bool twice = std::any_of(decoys_.begin(), decoys_.end(),
                                   [&](const Decoy& d) { return d.element == element; });
    if (twice) continue;
    const float placed = right + std::max(1.0f, std::fabs(right));
    output_->data()[element] = placed;
    decoys_.push_back({element, right, placed});
  }
}

int64_t Operands::DecoysLeft() const {
  // Not to the bit: the order of a parallel sum need not be the same twice.
  return std::count_if(decoys_.begin(), decoys_.end(), [&](const Decoy& d) {
    const float now = output_->data()[d.element];
    return !(std::fabs(now - d.right) < 0.01f * std::fabs(d.placed - d.right));
  });
}

// Row by row over the innermost dimension; the outer indices advance like an odometer.
double Operands::Projection() const {
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

bool WorthTiming(const EntryResult& result) {
  return result.kernel_error == 0 && result.poison_left == 0 && result.non_finite == 0 &&
         result.guards_intact && result.inputs_intact && result.doubt.empty();
}

}  // namespace halyard
