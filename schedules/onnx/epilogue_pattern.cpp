#include "schedules/onnx/epilogue_pattern.h"

#include <algorithm>
#include <limits>

namespace halyard {
namespace {

class Fuser {
 public:
  Fuser(const OnnxGraph& graph, const Findings& findings, Product& product)
      : graph_(graph),
        findings_(findings),
        product_(product),
        value_(graph.node(product.node).output(0)),
        nodes_{product.node} {
    const auto shape = graph.Shape(value_);
    if (shape) shape_ = *shape;
  }

  std::vector<int> Fuse() {
    while (!activated_ && Step()) {
    }
    auto& attributes = product_.call.attributes;
    if (product_.bias) attributes.push_back("bias=1");
    if (product_.residual) attributes.push_back("residual=1");
    if (!activation_.empty()) attributes.push_back("act=" + activation_);
    return nodes_;
  }

 private:
  bool Step() {
    if (const GeluNodes gelu = MatchGelu(graph_, value_); !gelu.nodes.empty()) {
      if (std::any_of(gelu.nodes.begin(), gelu.nodes.end(),
                      [&](int n) { return findings_.Decided(n); })) {
        return false;
      }
      nodes_.insert(nodes_.end(), gelu.nodes.begin(), gelu.nodes.end());
      return Activate("gelu");
    }
    const int user = graph_.OnlyUser(value_);
    if (user < 0 || findings_.Decided(user) || shape_.empty()) return false;
    const onnx::NodeProto& n = graph_.node(user);
    // Looks at the same tensor.
    if (IsOp(n, "Identity")) return value_ = n.output(0), true;
    if (IsOp(n, "Add")) return TakeAdd(user);
    if (IsOp(n, "BatchNormalization")) return TakeBatchNormalization(user);
    if (IsOp(n, "Relu") || IsRelu(n)) {
      nodes_.push_back(user);
      return Activate("relu");
    }
    return false;
  }

  bool Activate(const std::string& name) {
    activation_ = name;
    activated_ = true;
    return true;
  }

  bool Take(int user) {
    nodes_.push_back(user);
    value_ = graph_.node(user).output(0);
    return true;
  }

  bool TakeAdd(int user) {
    const onnx::NodeProto& n = graph_.node(user);
    const std::string& other = n.input(0) == value_ ? n.input(1) : n.input(0);
    if (other == value_ || !graph_.IsF32(other)) return false;
    const auto shape = graph_.Shape(other);
    if (!shape || graph_.Shape(n.output(0)) != shape_) return false;
    if (!product_.bias && IsBias(*shape, graph_.IsConstant(other))) {
      product_.bias = true;
      return Take(user);
    }
    if (!product_.residual && *shape == shape_) {
      product_.residual = true;
      return Take(user);
    }
    return false;
  }

  // A vector along the channels; a constant scalar can be written out as one.
  bool IsBias(const Sizes& shape, bool constant) const {
    if (shape.size() > shape_.size()) return false;
    const size_t lead = shape_.size() - shape.size();
    const auto axis = static_cast<size_t>(product_.channel_axis);
    bool along = false;
    for (size_t i = 0; i < shape.size(); i++) {
      if (i + lead == axis && shape[i] == shape_[axis])
        along = true;
      else if (shape[i] != 1)
        return false;
    }
    return along || constant;
  }

  // Its factor goes into constant weights and its shift into the bias: so not after a residual.
  bool TakeBatchNormalization(int user) {
    const onnx::NodeProto& n = graph_.node(user);
    if (product_.channel_axis != 1 || !product_.constant_weights || product_.residual ||
        n.input_size() != 5 || n.input(0) != value_ || IntAttribute(n, "training_mode", 0) != 0) {
      return false;
    }
    for (int i = 1; i < 5; i++) {
      if (!graph_.IsConstant(n.input(i))) return false;
    }
    product_.bias = true;
    return Take(user);
  }

  // Clip to [0, infinity].
  bool IsRelu(const onnx::NodeProto& n) const {
    if (!IsOp(n, "Clip")) return false;
    constexpr double kMost = std::numeric_limits<float>::max();
    double low = -kMost, high = kMost;
    if (graph_.opset() < 11) {
      low = FloatAttribute(n, "min", low);
      high = FloatAttribute(n, "max", high);
    } else {
      for (const auto& [i, bound] : {std::pair{1, &low}, std::pair{2, &high}}) {
        if (Input(n, i).empty()) continue;
        const auto value = graph_.Scalar(Input(n, i));
        if (!value) return false;
        *bound = *value;
      }
    }
    return low == 0 && high >= kMost;
  }

  const OnnxGraph& graph_;
  const Findings& findings_;
  Product& product_;
  std::string value_;
  Sizes shape_;  // of every value on the way
  std::vector<int> nodes_;
  std::string activation_;
  bool activated_ = false;
};

}  // namespace

std::vector<int> FuseEpilogue(const OnnxGraph& graph, const Findings& findings, Product& product) {
  return Fuser(graph, findings, product).Fuse();
}

}  // namespace halyard
