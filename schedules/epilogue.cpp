#include "schedules/epilogue.h"

#include <algorithm>
#include <cmath>

#include "schedules/gelu.h"
#include "schedules/op_io.h"
#include "targets/counter_rng.h"

namespace halyard {

using Halide::Expr;
using Halide::ImageParam;

std::vector<AttributeSpec> EpilogueAttributes() {
  return {{"bias", 0, 0, 1}, {"residual", 0, 0, 1}, {"act", 0, 0, 2, {"none", "relu", "gelu"}}};
}

bool IsEpilogueAttribute(const std::string& name) {
  const std::vector<AttributeSpec> own = EpilogueAttributes();
  return std::any_of(own.begin(), own.end(),
                     [&](const AttributeSpec& a) { return a.name == name; });
}

Epilogue EpilogueOf(const Workload& w) {
  auto value = [&](const char* name) {
    const auto found = w.attributes.find(name);
    return found == w.attributes.end() ? 0 : found->second;
  };
  return {value("bias") != 0, value("residual") != 0, static_cast<Activation>(value("act"))};
}

std::vector<BufferSpec> EpilogueShapes(const Epilogue& epilogue, const BufferSpec& output) {
  std::vector<BufferSpec> shapes;
  if (epilogue.bias) shapes.push_back({{output.extents.back()}});
  if (epilogue.residual) shapes.push_back(output);
  return shapes;
}

EpilogueStage::EpilogueStage(const Epilogue& epilogue, const BufferSpec& output, int channel_dims,
                             Lowered& lowered, Bounds bounds)
    : epilogue_(epilogue), channel_dims_(channel_dims) {
  auto declare = [&](const char* name, const BufferSpec& shape) {
    ImageParam input(Halide::Float(32), static_cast<int>(shape.extents.size()), name);
    if (bounds == Bounds::kDense) {
      BindDense(input, shape);
    } else {
      BindEstimates(input, shape);
    }
    lowered.arguments.push_back(input);
    lowered.inputs.push_back(shape);
    return input;
  };
  const std::vector<int64_t>& all = output.extents;
  if (epilogue.bias) bias_ = declare("bias", {{all.end() - channel_dims, all.end()}});
  if (epilogue.residual) residual_ = declare("residual", output);
}

Expr EpilogueStage::operator()(Expr value, const std::vector<Expr>& at) const {
  if (epilogue_.bias) {
    value += bias_(std::vector<Expr>(at.begin(), at.begin() + channel_dims_));
  }
  if (epilogue_.residual) value += residual_(at);
  switch (epilogue_.activation) {
    case Activation::kNone:
      return value;
    case Activation::kRelu:
      return Halide::max(value, 0.0f);
    case Activation::kGelu:
      return Gelu(value);
  }
  return value;
}

Expr InsideTail(Expr i, Expr extent, bool runs_past) {
  return runs_past ? Halide::min(Halide::likely(i), extent - 1) : i;
}

double EpilogueReference(const Epilogue& epilogue, double product, const InputReader& in, int first,
                         int64_t channel, int64_t index) {
  double value = product;
  if (epilogue.bias) value += in(first++, channel);
  if (epilogue.residual) value += in(first, index);
  switch (epilogue.activation) {
    case Activation::kNone:
      return value;
    case Activation::kRelu:
      return std::max(value, 0.0);
    case Activation::kGelu:
      return value * 0.5 * std::erfc(-value * std::sqrt(0.5));
  }
  return value;
}

double EpilogueTolerance(const Epilogue& epilogue, int64_t length) {
  const double sum = ReductionTolerance(length + epilogue.inputs());
  if (epilogue.activation != Activation::kGelu) return sum;
  // Its steepest slope is 1.129. Of products of values in [-1, 1) a sum is beyond 2 sqrt(length),
  // six standard deviations, once in 5e8.
  const double largest = 2 * std::sqrt(static_cast<double>(length)) + epilogue.inputs();
  return 1.13 * sum + kGeluError * std::max(1.0, largest);
}

double EpilogueProjection(const Epilogue& epilogue, const BufferSpec& output, const InputReader& in,
                          int first, uint64_t seed) {
  const std::vector<int64_t>& extents = output.extents;
  const size_t last = extents.size() - 1;
  const int64_t channels = extents[last];
  const int residual = first + int{epilogue.bias};
  std::vector<double> signs(static_cast<size_t>(channels));
  for (int64_t c = 0; c < channels; c++) signs[c] = ProjectionSign(seed, last, c);
  double sum = 0, pixel_signs = 0;
  for (int64_t pixel = 0; pixel < output.elements() / channels; pixel++) {
    double sign = 1;
    int64_t rest = pixel;
    for (size_t d = last; d-- > 0; rest /= extents[d]) {
      sign *= ProjectionSign(seed, d, rest % extents[d]);
    }
    pixel_signs += sign;
    if (!epilogue.residual) continue;
    for (int64_t c = 0; c < channels; c++) {
      sum += sign * signs[c] * in(residual, pixel * channels + c);
    }
  }
  if (!epilogue.bias) return sum;
  for (int64_t c = 0; c < channels; c++) sum += pixel_signs * signs[c] * in(first, c);
  return sum;
}

double EpilogueFlops(const Epilogue& epilogue, const BufferSpec& output) {
  return static_cast<double>(epilogue.inputs()) * static_cast<double>(output.elements());
}

}  // namespace halyard
