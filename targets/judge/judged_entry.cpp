#include "targets/judge/judged_entry.h"

#include <algorithm>
#include <cmath>

#include "targets/counter_rng.h"

namespace halyard {
namespace {

constexpr size_t kPlaces = 256;
constexpr size_t kPlacesASample = 16;
// A kernel whose threads' sums meet in any order need not round alike each time.
constexpr float kSameRelative = 1e-3f;

}  // namespace

std::string JudgedEntry::WhyInvalid(const EntrySpec& spec) {
  if (BufferSpec{spec.canonical_output}.elements() != spec.output.elements()) {
    return spec.symbol + ": canonical_output and output differ in size";
  }
  for (const int64_t point : spec.probe_points) {
    if (point < 0 || point >= spec.output.elements()) {
      return spec.symbol + ": a probe point lies outside the output";
    }
  }
  const auto inputs = static_cast<int64_t>(spec.inputs.size());
  if (spec.prepare && (spec.prepare->input < 0 || spec.prepare->input >= inputs)) {
    return spec.symbol + ": what is prepared is not one of the inputs";
  }
  return "";
}

JudgedEntry::JudgedEntry(const EntrySpec& spec, uint64_t seed, int fd, int64_t offset)
    : spec_(spec),
      seed_(seed),
      tensors_(spec, fd, offset),
      chance_(std::random_device{}()),
      secret_(chance_()) {
  for (size_t i = 0; i < tensors_.inputs.size(); ++i) {
    Tensor& input = *tensors_.inputs[i];
    input.WriteGuards();
    input.FillUniform(seed, i);
    input_checksums_.push_back(input.Checksum());
  }
  if (tensors_.packed) tensors_.packed->WriteGuards();
  if (tensors_.packed) tensors_.packed->Poison();
  tensors_.output->WriteGuards();
}

void JudgedEntry::PoisonOutput() { tensors_.output->Poison(); }

void JudgedEntry::NotePacked() {
  if (tensors_.packed) packed_checksum_ = tensors_.packed->Checksum();
}

void JudgedEntry::ReadOutput(EntryResult* result) {
  const Tensor& output = *tensors_.output;
  const Tensor::ScanResult scan = output.Scan();
  result->poison_left = scan.poison_left;
  result->non_finite = scan.non_finite;
  result->probe_values.clear();
  for (const int64_t point : spec_.probe_points) {
    result->probe_values.push_back(output.data()[point]);
  }
  if (spec_.projection) result->projection = Projection();
  CheckIntegrity(result);
  output_checksum_ = output.Checksum();
  secret_sum_ = SecretSum();
  std::uniform_int_distribution<int64_t> anywhere(0, output.elements() - 1);
  places_.clear();
  largest_ = 0;
  while (places_.size() < kPlaces) {
    const int64_t element = anywhere(chance_);
    places_.push_back({element, output.data()[element]});
    largest_ = std::max(largest_, std::abs(places_.back().value));
  }
}

void JudgedEntry::CheckIntegrity(EntryResult* result) const {
  if (!tensors_.output->GuardsIntact()) result->guards_intact = false;
  const auto check = [&](const Tensor& tensor, uint64_t checksum) {
    if (tensor.Checksum() != checksum || !tensor.GuardsIntact()) result->inputs_intact = false;
  };
  if (tensors_.packed) check(*tensors_.packed, packed_checksum_);
  for (size_t i = 0; i < tensors_.inputs.size(); ++i) {
    check(*tensors_.inputs[i], input_checksums_[i]);
  }
}

void JudgedEntry::PoisonPlaces() {
  poisoned_.clear();
  std::uniform_int_distribution<size_t> any(0, places_.size() - 1);
  for (size_t i = 0; i < kPlacesASample; ++i) {
    poisoned_.push_back(any(chance_));
    tensors_.output->Poison(places_[poisoned_.back()].element);
  }
}

bool JudgedEntry::PlacesAgree() const {
  return std::all_of(poisoned_.begin(), poisoned_.end(), [&](size_t i) {
    const float now = tensors_.output->data()[places_[i].element];
    // Not so for a NaN, which poison is.
    return std::abs(now - places_[i].value) <= kSameRelative * largest_;
  });
}

bool JudgedEntry::OutputAgrees() const {
  if (tensors_.output->Checksum() == output_checksum_) return true;
  // Sums in another order: as many errors of one sign as of the other.
  const double most = kSameRelative * largest_ * std::sqrt(tensors_.output->elements());
  return std::abs(SecretSum() - secret_sum_) <= most;  // not so for a NaN
}

// Of the output's elements under signs that no kernel can know.
double JudgedEntry::SecretSum() const {
  const Tensor& output = *tensors_.output;
  double sum = 0;
  for (int64_t i = 0; i < output.elements(); ++i) {
    const double value = output.data()[i];
    sum += (CounterBits(secret_, 0, static_cast<uint64_t>(i)) & 1) != 0 ? value : -value;
  }
  return sum;
}

int64_t JudgedEntry::PoisonOnePlace() {
  std::uniform_int_distribution<size_t> any(0, places_.size() - 1);
  const int64_t element = places_[any(chance_)].element;
  tensors_.output->Poison(element);
  return element;
}

// Row by row over the innermost dimension; the outer indices advance like an odometer.
double JudgedEntry::Projection() const {
  const std::vector<int64_t>& extents = spec_.canonical_output;
  if (extents.empty()) return tensors_.output->data()[0];
  std::vector<std::vector<double>> signs(extents.size());
  for (size_t d = 0; d < extents.size(); ++d) {
    for (int64_t i = 0; i < extents[d]; ++i) signs[d].push_back(ProjectionSign(seed_, d, i));
  }
  const size_t inner = extents.size() - 1;
  std::vector<int64_t> index(extents.size(), 0);
  double sum = 0;
  const float* row = tensors_.output->data();
  for (int64_t done = 0; done < tensors_.output->elements(); done += extents[inner]) {
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
