// What the forms of a product share.

#include "cost_model/product_features.h"

#include <algorithm>
#include <optional>

namespace halyard {
namespace {

// Caches of the first level are indexed by bits below the page's, so that sets repeat every 4096
// bytes; a second level of 16 ways repeats every sixteenth of its size.
constexpr double kPageBytes = 4096, kLevel2Ways = 16;
// gelu.h: two exponentials' worth of arithmetic.
constexpr double kGeluOps = 25;

std::optional<double> Dim(const Task& task, std::string_view name) {
  const std::vector<std::string> names = task.op->dim_names();
  for (size_t i = 0; i < std::min(names.size(), task.workload.shape.size()); i++) {
    if (names[i] == name) return static_cast<double>(task.workload.shape[i]);
  }
  return std::nullopt;
}

double Attribute(const Task& task, const char* name, double otherwise) {
  const auto found = task.workload.attributes.find(name);
  return found == task.workload.attributes.end() ? otherwise : static_cast<double>(found->second);
}

bool IsGemm(const Task& task) { return Dim(task, "m") && Dim(task, "n") && Dim(task, "k"); }
bool IsConv(const Task& task) {
  return Dim(task, "co") && Dim(task, "ci") && Dim(task, "kh") && Dim(task, "kw");
}

double Elements(const BufferSpec& shape) {
  double elements = 1;
  for (const int64_t extent : shape.extents) elements *= static_cast<double>(extent);
  return elements;
}

ProductShape ShapeOf(const Task& task) {
  ProductShape s;
  const std::vector<BufferSpec> inputs = task.op->InputShapes(task.workload);
  const BufferSpec output = task.op->OutputShape(task.workload);
  s.a_bytes = kFloatBytes * Elements(inputs.at(0));
  s.b_bytes = kFloatBytes * Elements(inputs.at(1));
  s.c_bytes = kFloatBytes * Elements(output);
  s.packed = Attribute(task, kPackedAttribute, 0) != 0;
  s.epilogue_loads = Attribute(task, "bias", 0) + Attribute(task, "residual", 0);
  s.gelu = Attribute(task, "act", 0) == 2;
  if (IsGemm(task)) {
    s.rows = *Dim(task, "m");
    s.cols = *Dim(task, "n");
    s.depth = *Dim(task, "k");
    s.products = std::max(1.0, Elements(output) / (s.rows * s.cols));
    return s;
  }
  const double groups = Attribute(task, "groups", 1);
  s.stride = Attribute(task, "stride", 1);
  s.pad = Attribute(task, "pad", 0);
  s.kernel_rows = *Dim(task, "kh");
  s.kernel_cols = *Dim(task, "kw");
  s.images = static_cast<double>(output.extents.at(0));
  s.out_rows = static_cast<double>(output.extents.at(1));
  s.row_pixels = static_cast<double>(output.extents.at(2));
  s.in_rows = Dim(task, "h").value_or(1);
  s.in_pixels = Dim(task, "w").value_or(1);
  s.in_channels = *Dim(task, "ci");
  s.rows = s.images * s.out_rows * s.row_pixels;
  s.taps = s.kernel_rows * s.kernel_cols;
  // One channel in and out: vectors run along the groups.
  s.depthwise = groups > 1 && *Dim(task, "co") == groups && s.in_channels == groups;
  s.cols = s.depthwise ? groups : *Dim(task, "co") / groups;
  s.products = s.depthwise ? 1 : groups;
  s.depth = s.in_channels / groups;
  return s;
}

class ProductFeatures final : public OperatorFeatures {
 public:
  explicit ProductFeatures(const Task& task) : task_(task), conv_(IsConv(task)) {}

  void Write(const KnobValues& v, FeatureRow& row) const override {
    const ProductShape& s = task_.shape;
    row.applies |= kKnown | kProduct;
    row.Set(kTaskOperator, conv_ ? 1 : 0);
    row.Set(kProductRows, Log2(s.rows));
    row.Set(kProductCols, Log2(s.cols));
    row.Set(kProductDepth, Log2(s.depth));
    row.Set(kProductTaps, Log2(s.taps));
    row.Set(kProductPacked, s.packed ? 1 : 0);
    row.Set(kProductVec, Log2(v[kVec]));
    row.Set(kProductRegM, v[kRegM]);
    row.Set(kProductRegN, v[kRegN]);
    row.Set(kProductUnroll, Log2(v[kUnrollK]));
    row.Set(kProductNOuter, v[kOrder]);
    row.Set(kProductInnerM, v[kInner]);
    row.Set(kProductPackB, v[kPackB]);
    row.Set(kProductParallel, v[kParallel]);
    row.Set(kProductShift, v[kTail]);
    if (conv_) {
      row.applies |= kConv;
      row.Set(kConvForm, v[kForm]);
      row.Set(kConvStride, s.stride);
      row.Set(kConvDepthwise, s.depthwise ? 1 : 0);
      row.Set(kConvRowPixels, Log2(s.row_pixels));
    }
    if (conv_ && v[kForm] == 0) {
      WriteDirect(task_, v, row);
    } else if (conv_ && v[kForm] == 2) {
      WriteWinograd(task_, v, row);
    } else {
      WriteBlocked(task_, v, row);
    }
  }

 private:
  ProductTask task_;
  bool conv_;
};

}  // namespace

ProductTask::ProductTask(const Task& task)
    : shape(ShapeOf(task)), machine(task.device), bound(task, machine) {}

std::unique_ptr<OperatorFeatures> MakeProductFeatures(const Task& task) {
  if (!IsGemm(task) && !IsConv(task)) return nullptr;
  return std::make_unique<ProductFeatures>(task);
}

void WriteNest(const ProductNest& p, const ProductTask& task, double times, Estimate& e,
               FeatureRow& row) {
  const Machine& m = task.machine;
  const ProductShape& s = task.shape;
  const double compulsory[kOperands] = {s.a_bytes, s.b_bytes, s.c_bytes};
  static constexpr Feature kTraffic[2][kOperands] = {{kTrafficAL1, kTrafficBL1, kTrafficCL1},
                                                     {kTrafficAL2, kTrafficBL2, kTrafficCL2}};
  static constexpr Feature kBytes[2][4] = {
      {kNestBytes0L1, kNestBytes1L1, kNestBytes2L1, kFeatureCount},
      {kNestBytes0L2, kNestBytes1L2, kNestBytes2L2, kNestBytes3L2}};
  static constexpr Feature kFit[2] = {kNestFitL1, kNestFitL2};
  for (size_t level = 0; level < m.levels; level++) {
    const double period = level == 0 ? kPageBytes : m.bytes[level] / kLevel2Ways;
    const double a_conflict =
        SetConflict(p.a_rows, p.a_row_bytes, p.a_stride, period, m.line_bytes);
    const double b_conflict =
        SetConflict(p.b_steps, p.b_row_bytes, p.b_stride, period, m.line_bytes);
    const std::array<double, kOperands> inflate = {level < 2 ? a_conflict : 1,
                                                   level < 2 ? b_conflict : 1, 1};
    const auto traffic = p.nest.Traffic(kUsable * m.bytes[level], inflate);
    for (size_t x = 0; x < kOperands; x++) {
      e.traffic_bytes[level] += times * traffic[x];
      if (level < 2) row.Set(kTraffic[level][x], Log2(times * traffic[x] / compulsory[x]));
    }
    if (level >= 2) continue;
    for (size_t loop = 0; loop < 4; loop++) {
      if (kBytes[level][loop] == kFeatureCount) continue;
      row.Set(kBytes[level][loop],
              Log2(p.nest.bytes(std::min(loop, p.nest.loops())) / m.bytes[level]));
    }
    row.Set(kFit[level], p.nest.FittingShare(kUsable * m.bytes[level], inflate));
    if (level == 0) {
      row.Set(kConflictA, Log2(a_conflict));
      row.Set(kConflictB, Log2(b_conflict));
      row.Set(kPanelAL1, Log2(p.nest.bytes(0, 0) / m.bytes[0]));
      row.Set(kPanelBL1, Log2(p.nest.bytes(0, 1) / m.bytes[0]));
    }
  }
  row.Set(kStrideA, Log2(p.a_stride));
  row.Set(kStrideB, Log2(p.b_stride));
  static constexpr Feature kLoops[] = {kNestLoop1, kNestLoop2, kNestLoop3, kNestLoop4};
  for (size_t loop = 0; loop < 4; loop++) {
    row.Set(kLoops[loop], loop < p.nest.loops() ? Log2(p.nest.trips(loop)) : 0);
  }
}

double StoreCycles(const ProductTask& task, double vec) {
  const ProductShape& s = task.shape;
  const double vectors = s.c_bytes / kFloatBytes / vec * task.machine.Native(vec);
  const double ops = 1 + s.epilogue_loads + (s.gelu ? kGeluOps : 0);
  return vectors * ops / task.machine.fma_per_cycle;
}

}  // namespace halyard
