#include "schedules/onnx/onnx_graph.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "absl/strings/str_join.h"
#include "schedules/onnx/model_file.h"
#include "schedules/onnx/tensors.h"

namespace halyard {
namespace {

// Nodes from a scalar back to the constants it is computed from; exporters use about six.
constexpr int kDeepestScalar = 24;

const onnx::AttributeProto* Attribute(const onnx::NodeProto& node, const char* name) {
  for (const onnx::AttributeProto& a : node.attribute()) {
    if (a.name() == name) return &a;
  }
  return nullptr;
}

bool HasSubgraph(const onnx::NodeProto& node) {
  return std::any_of(node.attribute().begin(), node.attribute().end(),
                     [](const auto& a) { return a.has_g() || a.graphs_size() > 0; });
}

bool IsOneOf(const onnx::NodeProto& node, std::initializer_list<const char*> ops) {
  return std::any_of(ops.begin(), ops.end(), [&](const char* op) { return IsOp(node, op); });
}

bool IsRandom(const onnx::NodeProto& node) {
  return IsOneOf(node, {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike",
                        "Multinomial", "Bernoulli"});
}

// Everything a node reads, its subgraphs included.
void ForEachInput(const onnx::NodeProto& node, const std::function<void(const std::string&)>& f) {
  for (const std::string& input : node.input()) f(input);
  auto graph = [&](const onnx::GraphProto& g) {
    for (const onnx::NodeProto& inner : g.node()) ForEachInput(inner, f);
    for (const onnx::ValueInfoProto& output : g.output()) f(output.name());
  };
  for (const onnx::AttributeProto& a : node.attribute()) {
    if (a.has_g()) graph(a.g());
    for (const onnx::GraphProto& g : a.graphs()) graph(g);
  }
}

}  // namespace

OnnxGraph::OnnxGraph(const ShapedModel& model)
    : graph_(model.model.graph()), integers_(model.integers), opset_(OpsetOf(model.model)) {
  for (const auto* values : {&graph_.input(), &graph_.value_info(), &graph_.output()}) {
    for (const onnx::ValueInfoProto& value : *values) types_[value.name()] = &value.type();
  }
  for (const onnx::ValueInfoProto& output : graph_.output()) outputs_.insert(output.name());
  for (int n = 0; n < size(); n++) {
    for (const std::string& output : node(n).output()) makers_[output] = n;
    ForEachInput(node(n), [&](const std::string& input) { users_[input].push_back(n); });
  }
  FindConstants(model);
}

void OnnxGraph::FindConstants(const ShapedModel& model) {
  for (const onnx::TensorProto& tensor : graph_.initializer()) {
    initialisers_[tensor.name()] = &tensor;
    constants_.insert(tensor.name());
  }
  constants_.insert(model.external.begin(), model.external.end());
  for (const onnx::NodeProto& n : graph_.node()) {
    if (HasSubgraph(n) || IsRandom(n) || !(n.domain().empty() || n.domain() == "ai.onnx")) continue;
    const bool of_shape = IsOneOf(n, {"Shape", "Size"}) && Shape(n.input(0));
    const bool of_constants = std::all_of(
        n.input().begin(), n.input().end(),
        [&](const std::string& input) { return input.empty() || constants_.count(input) != 0; });
    if (of_shape || of_constants) constants_.insert(n.output().begin(), n.output().end());
  }
  constants_.erase("");
}

int OnnxGraph::Maker(const std::string& value) const {
  const auto found = makers_.find(value);
  return found == makers_.end() || value.empty() ? -1 : found->second;
}

int OnnxGraph::Maker(const std::string& value, const char* op_type) const {
  const int n = Maker(value);
  return n >= 0 && IsOp(node(n), op_type) ? n : -1;
}

const std::vector<int>& OnnxGraph::Users(const std::string& value) const {
  static const std::vector<int> none;
  const auto found = users_.find(value);
  return found == users_.end() ? none : found->second;
}

int OnnxGraph::OnlyUser(const std::string& value) const {
  const std::vector<int>& users = Users(value);
  return users.size() == 1 && !IsOutput(value) ? users.front() : -1;
}

std::optional<Sizes> OnnxGraph::Shape(const std::string& value) const {
  if (const auto found = initialisers_.find(value); found != initialisers_.end()) {
    return Sizes(found->second->dims().begin(), found->second->dims().end());
  }
  const auto type = types_.find(value);
  if (type == types_.end() || !type->second->tensor_type().has_shape()) return std::nullopt;
  Sizes sizes;
  for (const auto& d : type->second->tensor_type().shape().dim()) {
    if (!d.has_dim_value()) return std::nullopt;
    sizes.push_back(d.dim_value());
  }
  return sizes;
}

int32_t OnnxGraph::Type(const std::string& value) const {
  if (const auto found = initialisers_.find(value); found != initialisers_.end()) {
    return found->second->data_type();
  }
  const auto type = types_.find(value);
  return type == types_.end() ? 0 : type->second->tensor_type().elem_type();
}

bool OnnxGraph::IsF32(const std::string& value) const {
  return Type(value) == onnx::TensorProto::FLOAT;
}

const onnx::TensorProto* OnnxGraph::Tensor(const std::string& value) const {
  if (const auto found = initialisers_.find(value); found != initialisers_.end()) {
    return found->second;
  }
  const int maker = Maker(value, "Constant");
  const auto* tensor = maker < 0 ? nullptr : Attribute(node(maker), "value");
  return tensor == nullptr ? nullptr : &tensor->t();
}

std::optional<std::vector<double>> OnnxGraph::Values(const std::string& value) const {
  std::string at = value;
  for (int depth = 0; depth < kDeepestScalar; depth++) {
    if (const onnx::TensorProto* tensor = Tensor(at)) return ValuesOf(*tensor);
    const int maker = Maker(at);
    if (maker < 0 ||
        !IsOneOf(node(maker), {"Identity", "Cast", "Unsqueeze", "Squeeze", "Reshape"})) {
      break;
    }
    at = node(maker).input(0);
  }
  return std::nullopt;
}

std::optional<double> OnnxGraph::ScalarAt(const std::string& value, int depth) const {
  if (depth > kDeepestScalar || !IsConstant(value)) return std::nullopt;
  if (const onnx::TensorProto* tensor = Tensor(value)) {
    const auto values = ElementsOf(*tensor) == 1 ? ValuesOf(*tensor) : std::nullopt;
    return values ? std::optional(values->front()) : std::nullopt;
  }
  if (const auto known = integers_.find(value); known != integers_.end()) {
    const auto& d = known->second.dim();
    if (d.size() == 1 && d[0].has_dim_value()) return static_cast<double>(d[0].dim_value());
  }
  const int maker = Maker(value);
  if (maker < 0) return std::nullopt;
  const onnx::NodeProto& n = node(maker);
  if (IsOp(n, "Constant")) {
    if (const auto* f = Attribute(n, "value_float")) return f->f();
    if (const auto* i = Attribute(n, "value_int")) return static_cast<double>(i->i());
    return std::nullopt;
  }
  const auto x = ScalarAt(Input(n, 0), depth + 1);
  if (!x) return std::nullopt;
  if (IsOp(n, "Cast") && !IsF32(value)) return std::trunc(*x);
  if (IsOneOf(n, {"Identity", "Cast", "Unsqueeze", "Squeeze", "Reshape"})) return x;
  if (IsOp(n, "Sqrt")) return std::sqrt(*x);
  if (IsOp(n, "Reciprocal")) return 1 / *x;
  if (IsOp(n, "Neg")) return -*x;
  const auto y = ScalarAt(Input(n, 1), depth + 1);
  if (!y || n.input_size() != 2) return std::nullopt;
  if (IsOp(n, "Mul")) return *x * *y;
  if (IsOp(n, "Add")) return *x + *y;
  if (IsOp(n, "Sub")) return *x - *y;
  if (IsOp(n, "Pow")) return std::pow(*x, *y);
  // Integers divide otherwise.
  if (IsOp(n, "Div") && IsF32(value)) return *x / *y;
  return std::nullopt;
}

bool IsOp(const onnx::NodeProto& node, const char* op_type) {
  return node.op_type() == op_type && (node.domain().empty() || node.domain() == "ai.onnx");
}

int64_t IntAttribute(const onnx::NodeProto& node, const char* name, int64_t otherwise) {
  const auto* a = Attribute(node, name);
  return a == nullptr ? otherwise : a->i();
}

double FloatAttribute(const onnx::NodeProto& node, const char* name, double otherwise) {
  const auto* a = Attribute(node, name);
  return a == nullptr ? otherwise : a->f();
}

std::string TextAttribute(const onnx::NodeProto& node, const char* name, const char* otherwise) {
  const auto* a = Attribute(node, name);
  return a == nullptr ? otherwise : a->s();
}

Sizes IntsAttribute(const onnx::NodeProto& node, const char* name, const Sizes& otherwise) {
  const auto* a = Attribute(node, name);
  return a == nullptr ? otherwise : Sizes(a->ints().begin(), a->ints().end());
}

bool IsIdleDropout(const OnnxGraph& graph, const onnx::NodeProto& node) {
  if (!IsOp(node, "Dropout")) return false;
  const std::string training = Input(node, 2);
  return training.empty() || graph.Scalar(training) == 0.0;
}

std::string Input(const onnx::NodeProto& node, int i) {
  return i < node.input_size() ? node.input(i) : "";
}

std::string SizesText(const Sizes& sizes) { return absl::StrJoin(sizes, "x"); }

int64_t ProductOf(Sizes::const_iterator begin, Sizes::const_iterator end) {
  return std::accumulate(begin, end, int64_t{1}, [](int64_t a, int64_t b) {
    int64_t product = 0;
    return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<int64_t>::max() : product;
  });
}

}  // namespace halyard
