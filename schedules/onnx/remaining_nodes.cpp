// Softmax alone, and why the rest of a graph is no workload.

#include <algorithm>
#include <set>

#include "fmt/format.h"
#include "schedules/onnx/findings.h"

namespace halyard {
namespace {

using OpNames = std::set<std::string>;

// The same elements in the same order.
const OpNames& Views() {
  static const OpNames ops = {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"};
  return ops;
}

const OpNames& Activations() {
  static const OpNames ops = {
      "Clip", "HardSwish", "HardSigmoid", "Sigmoid",  "Tanh", "LeakyRelu", "PRelu",          "Elu",
      "Selu", "Celu",      "Softplus",    "Softsign", "Mish", "Erf",       "ThresholdedRelu"};
  return ops;
}

const OpNames& Elementwise() {
  static const OpNames ops = {"Mul", "Sub",  "Div", "Pow", "Sqrt", "Exp",   "Log",
                              "Neg", "Abs",  "Min", "Max", "Sum",  "Where", "Reciprocal",
                              "And", "Less", "Not", "Or",  "Cast", "Equal", "Greater"};
  return ops;
}

const OpNames& Moves() {
  static const OpNames ops = {"Transpose",    "Concat",       "Slice",    "Split",
                              "Gather",       "Pad",          "Expand",   "Tile",
                              "DepthToSpace", "SpaceToDepth", "GatherND", "ScatterND"};
  return ops;
}

// A Transpose that only moves dimensions of one element.
bool KeepsOrder(const OnnxGraph& graph, const onnx::NodeProto& n) {
  const auto shape = graph.Shape(Input(n, 0));
  const Sizes perm = IntsAttribute(n, "perm", {});
  if (!IsOp(n, "Transpose") || !shape || perm.size() != shape->size()) return false;
  int64_t last = -1;
  for (const int64_t d : perm) {
    if (d < 0 || d >= static_cast<int64_t>(shape->size())) return false;
    if ((*shape)[d] == 1) continue;
    if (d < last) return false;
    last = d;
  }
  return true;
}

bool IsFree(const OnnxGraph& graph, const onnx::NodeProto& n) {
  const bool own = n.domain().empty() || n.domain() == "ai.onnx";
  const bool constant = std::all_of(n.output().begin(), n.output().end(), [&](const auto& output) {
    return output.empty() || graph.IsConstant(output);
  });
  return constant || (own && Views().count(n.op_type()) != 0) || IsIdleDropout(graph, n) ||
         KeepsOrder(graph, n);
}

std::string WhyLeft(const onnx::NodeProto& n) {
  if (!n.domain().empty() && n.domain() != "ai.onnx") {
    return fmt::format("an operator of {}, not of ONNX", n.domain());
  }
  const std::string& op = n.op_type();
  if (op == "If" || op == "Loop" || op == "Scan") return "its subgraphs are not looked into";
  if (op == "Relu" || op == "Add") return "not right after a product whose epilogue it could be";
  if (op == "BatchNormalization") return "not right after a convolution of constant weights";
  if (Activations().count(op) != 0) return "no such activation; act= has relu and gelu";
  if (Moves().count(op) != 0) return "moves data";
  if (Elementwise().count(op) != 0) return "elementwise, in no epilogue";
  if (op.starts_with("QLinear") || op.ends_with("Integer") || op.ends_with("Linear")) {
    return "quantised; f32 only";
  }
  return "no such operator here";
}

}  // namespace

absl::StatusOr<std::pair<int64_t, int64_t>> SoftmaxSizes(const OnnxGraph& graph, int node) {
  const onnx::NodeProto& n = graph.node(node);
  const auto shape = graph.Shape(n.input(0));
  if (!shape) {
    return absl::FailedPreconditionError("its shape depends on data, or on a node not known here");
  }
  if (!graph.IsF32(n.input(0))) return absl::FailedPreconditionError("not f32");
  const auto rank = static_cast<int64_t>(shape->size());
  // Before 13 everything from the axis on is one row; since then only the axis is.
  const bool rows_of_rest = graph.opset() < 13;
  int64_t axis = IntAttribute(n, "axis", rows_of_rest ? 1 : -1);
  if (axis < 0) axis += rank;
  if (axis < 0 || axis > rank || (axis == rank && !rows_of_rest)) {
    return absl::FailedPreconditionError("its axis is no dimension");
  }
  const auto at = shape->begin() + axis;
  const int64_t rows = ProductOf(shape->begin(), at);
  if (rows_of_rest) return std::pair{rows, ProductOf(at, shape->end())};
  if (std::all_of(at + 1, shape->cend(), [](int64_t size) { return size == 1; })) {
    return std::pair{rows, *at};
  }
  return absl::FailedPreconditionError(
      fmt::format("over axis {} of {}; softmax is over the last", axis, SizesText(*shape)));
}

void FindSoftmax(const OnnxGraph& graph, Findings& findings) {
  for (int i = 0; i < graph.size(); i++) {
    if (findings.Decided(i) || !IsOp(graph.node(i), "Softmax")) continue;
    if (graph.IsConstant(graph.node(i).output(0))) continue;
    const auto sizes = SoftmaxSizes(graph, i);
    if (sizes.ok()) {
      findings.Cover(i, {i}, {"softmax", {sizes->first, sizes->second}, {}});
    } else {
      findings.Leave(i, std::string(sizes.status().message()));
    }
  }
}

void FindRest(const OnnxGraph& graph, Findings& findings) {
  for (int i = 0; i < graph.size(); i++) {
    if (findings.Decided(i)) continue;
    if (IsFree(graph, graph.node(i))) {
      findings.Free(i);
    } else {
      findings.Leave(i, WhyLeft(graph.node(i)));
    }
  }
}

}  // namespace halyard
