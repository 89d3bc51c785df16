// Conv. ONNX has NCHW and a weight of CO x CI/g x KH x KW; conv2d has NHWC.

#include <algorithm>
#include <array>

#include "absl/strings/str_join.h"
#include "fmt/format.h"
#include "schedules/onnx/product_pattern.h"

namespace halyard {
namespace {

absl::Status No(const std::string& reason) { return absl::FailedPreconditionError(reason); }

using Pads = std::array<int64_t, 4>;  // top, left, bottom, right

// auto_pad SAME: as much as makes the output ceil(in / stride), the odd one at the end or the
// start.
Pads SamePads(const Sizes& in, const Sizes& span, const Sizes& strides, bool upper) {
  Pads pads{};
  for (size_t i = 0; i < 2; i++) {
    const int64_t outputs = (in[i] + strides[i] - 1) / strides[i];
    const int64_t all = std::max<int64_t>(0, (outputs - 1) * strides[i] + span[i] - in[i]);
    pads[i] = upper ? all / 2 : all - all / 2;
    pads[i + 2] = all - pads[i];
  }
  return pads;
}

// One value for both dimensions, as conv2d has it.
bool Alike(const Sizes& values) { return values.size() == 2 && values[0] == values[1]; }

}  // namespace

absl::StatusOr<Product> ConvProduct(const OnnxGraph& graph, int node) {
  const onnx::NodeProto& n = graph.node(node);
  const auto x = graph.Shape(n.input(0)), w = graph.Shape(n.input(1));
  if (!x || !w) return No("its shape depends on data, or on a node not known here");
  for (const std::string& value : n.input()) {
    if (!value.empty() && !graph.IsF32(value)) return No("not f32");
  }
  if (x->size() != 4 || w->size() != 4) {
    return No(
        fmt::format("{} spatial dimensions; conv2d has two", static_cast<int64_t>(x->size()) - 2));
  }
  const int64_t groups = IntAttribute(n, "group", 1);
  const Sizes strides = IntsAttribute(n, "strides", {1, 1});
  const Sizes dilations = IntsAttribute(n, "dilations", {1, 1});
  if (!Alike(strides)) return No("strides differ by dimension; conv2d has one");
  if (!Alike(dilations)) return No("dilations differ by dimension; conv2d has one");
  const Sizes in = {(*x)[2], (*x)[3]}, kernel = {(*w)[2], (*w)[3]};
  const Sizes span = {(kernel[0] - 1) * dilations[0] + 1, (kernel[1] - 1) * dilations[1] + 1};
  const std::string auto_pad = TextAttribute(n, "auto_pad", "NOTSET");
  Pads pads{};
  if (auto_pad.starts_with("SAME")) {
    pads = SamePads(in, span, strides, auto_pad == "SAME_UPPER");
  } else if (auto_pad == "NOTSET") {
    const Sizes given = IntsAttribute(n, "pads", {0, 0, 0, 0});
    if (given.size() != pads.size()) return No("pads are not four");
    std::copy(given.begin(), given.end(), pads.begin());
  }
  if (std::any_of(pads.begin(), pads.end(), [&](int64_t p) { return p != pads[0]; })) {
    return No(fmt::format("pads {} differ by side; conv2d has one", absl::StrJoin(pads, ",")));
  }

  Product product;
  product.node = node;
  product.channel_axis = 1;
  product.bias = !Input(n, 2).empty();
  product.constant_weights = graph.IsConstant(n.input(1));
  product.call = {"conv2d", {(*x)[0], in[0], in[1], (*x)[1], (*w)[0], kernel[0], kernel[1]}, {}};
  auto& attributes = product.call.attributes;
  for (const auto& [name, value, otherwise] :
       {std::tuple{"stride", strides[0], 1}, std::tuple{"pad", pads[0], 0},
        std::tuple{"dilation", dilations[0], 1}, std::tuple{"groups", groups, 1}}) {
    if (value != otherwise) attributes.push_back(fmt::format("{}={}", name, value));
  }
  if (product.constant_weights) attributes.push_back("packed=1");
  return product;
}

}  // namespace halyard
