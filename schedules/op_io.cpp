#include "schedules/op_io.h"

#include <algorithm>
#include <cmath>

#include "fmt/format.h"

namespace halyard {

absl::Status ExpectRank(const Workload& w, std::initializer_list<size_t> ranks,
                        const std::string& example) {
  if (std::find(ranks.begin(), ranks.end(), w.shape.size()) != ranks.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("has {} sizes; {} takes {}", w.shape.size(), w.op, example));
}

namespace {

// Applies bounds to a dimensioned thing, innermost dimension first.
template <typename Dimensioned>
void ForEachDim(Dimensioned& d, const BufferSpec& shape, bool estimate) {
  int64_t stride = 1;
  const int rank = static_cast<int>(shape.extents.size());
  for (int i = 0; i < rank; i++) {
    const int64_t extent = shape.extents[rank - 1 - i];
    if (estimate) {
      d.dim(i).set_estimate(0, Extent(extent));
    } else {
      d.dim(i).set_bounds(0, Extent(extent));
      d.dim(i).set_stride(Extent(stride));
    }
    stride *= extent;
  }
}

}  // namespace

void BindDense(Halide::ImageParam& param, const BufferSpec& shape) {
  ForEachDim(param, shape, false);
}
void BindDense(Halide::Func& output, const BufferSpec& shape) {
  Halide::OutputImageParam buffer = output.output_buffer();
  ForEachDim(buffer, shape, false);
}

Halide::ImageParam PrepareAhead(Halide::Func layout, const BufferSpec& packed,
                                const Halide::ImageParam& source, int input,
                                std::optional<Prepare>& prepare) {
  Halide::ImageParam stored(Halide::Float(32), static_cast<int>(packed.extents.size()),
                            layout.name() + "_packed");
  BindDense(stored, packed);
  BindDense(layout, packed);
  prepare = Prepare{input, layout, {source}, packed};
  return stored;
}

void BindEstimates(Halide::ImageParam& param, const BufferSpec& shape) {
  ForEachDim(param, shape, true);
}
void SetEstimates(Halide::Func& output, const BufferSpec& shape) {
  Halide::OutputImageParam buffer = output.output_buffer();
  ForEachDim(buffer, shape, true);
}

double ReductionTolerance(int64_t length) {
  constexpr double kUnitRoundoff = 5.96e-8;  // 2^-24
  const double n = static_cast<double>(length);
  return 8 * kUnitRoundoff * (n * 0.5 + 4 * std::sqrt(n) + 4);
}

ProbePlan RowProbe(const Workload& w, int dim, double flops, int64_t granule) {
  constexpr double kProbeFlops = 2e7, kLargestFlops = 1.5e9;
  const int64_t whole = w.shape[dim];
  const double per_row = flops / static_cast<double>(whole);
  const auto budget = static_cast<int64_t>(kProbeFlops / per_row);
  const int64_t small = std::max<int64_t>(2, budget / granule) * granule;
  const int64_t large = 2 * small;
  ProbePlan plan;
  if (per_row * static_cast<double>(std::min(whole, small + large)) > kLargestFlops) return plan;
  if (large >= whole) {
    plan.sizes = {w};
    return plan;
  }
  plan.sizes = {w, w};
  plan.sizes[0].shape[dim] = small;
  plan.sizes[1].shape[dim] = large;
  plan.slope = static_cast<double>(whole - small) / static_cast<double>(large - small);
  return plan;
}

}  // namespace halyard
