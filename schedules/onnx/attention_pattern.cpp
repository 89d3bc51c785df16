// softmax(scale Q K^T + mask) V where it is what the operator computes: scale 1/sqrt(depth), on the
// scores or on Q and K before their product, and no mask or the causal one. Otherwise its products
// and its softmax are tasks of their own.

#include <algorithm>
#include <cmath>

#include "fmt/format.h"
#include "schedules/onnx/attention_mask.h"
#include "schedules/onnx/findings.h"

namespace halyard {
namespace {

// Of a scale: constants are rounded to float, sometimes twice.
constexpr double kScaleError = 1e-4;

class AttentionMatcher {
 public:
  AttentionMatcher(const OnnxGraph& graph, int softmax) : graph_(graph), softmax_(softmax) {}

  void Match(Findings& findings) {
    const auto sizes = SoftmaxSizes(graph_, softmax_);
    if (!sizes.ok() || !MatchDown() || !MatchScores() || !MatchSizes()) return;
    // Before opset 13 a row may be more than the keys of one query.
    if (sizes->second != keys_) return;
    for (const int n : nodes_) {
      if (findings.Decided(n)) return;
    }
    if (mask_ == Mask::kOther) {
      findings.Leave(mask_node_,
                     "a mask that attention has not (causal=1 it has): taken apart into products "
                     "and softmax");
      return;
    }
    const double needed = 1 / std::sqrt(static_cast<double>(depth_));
    if (std::fabs(scale_ / needed - 1) > kScaleError) {
      if (scale_node_ >= 0) {
        findings.Leave(scale_node_,
                       fmt::format("scale {:.4g} where attention has 1/sqrt({}): taken apart into "
                                   "products and softmax",
                                   scale_, depth_));
      }
      return;
    }
    Call call{"attention", {heads_, queries_, keys_, depth_}, {}};
    if (mask_ == Mask::kCausal) call.attributes.push_back("causal=1");
    findings.Cover(scores_, nodes_, call, 4.0 * heads_ * queries_ * keys_ * depth_);
  }

 private:
  // Weights, what does nothing, and their product with V.
  bool MatchDown() {
    nodes_.push_back(softmax_);
    std::string weights = graph_.node(softmax_).output(0);
    int user = graph_.OnlyUser(weights);
    while (user >= 0 &&
           (IsIdleDropout(graph_, graph_.node(user)) || IsOp(graph_.node(user), "Identity"))) {
      nodes_.push_back(user);
      weights = graph_.node(user).output(0);
      user = graph_.OnlyUser(weights);
    }
    if (user < 0 || !IsOp(graph_.node(user), "MatMul")) return false;
    nodes_.push_back(user);
    values_ = graph_.node(user).input(1);
    return graph_.node(user).input(0) == weights && values_ != weights;
  }

  // From the softmax back to the product of Q and K, and the scales on the way.
  bool MatchScores() {
    const auto shape = graph_.Shape(graph_.node(softmax_).input(0));
    if (!shape || shape->size() < 2 || graph_.Shape(values_) == std::nullopt) return false;
    queries_ = *(shape->end() - 2);
    keys_ = shape->back();
    int reader = softmax_;
    std::string value = graph_.node(softmax_).input(0);
    while (true) {
      const int maker = graph_.Maker(value);
      if (maker < 0 || graph_.OnlyUser(value) != reader) return false;
      reader = maker;
      nodes_.push_back(maker);
      if (IsOp(graph_.node(maker), "MatMul")) break;
      if (const auto scaled = Scaled(maker)) {
        value = *scaled;
      } else if (const auto masked = Masked(maker, *shape)) {
        value = *masked;
      } else {
        return false;
      }
    }
    scores_ = reader;
    const onnx::NodeProto& product = graph_.node(scores_);
    TakeScales(product.input(0), scores_);
    return MatchKeys(product.input(1));
  }

  // Where the node multiplies by a constant scalar: what it multiplies.
  std::optional<std::string> Scaled(int node) {
    const onnx::NodeProto& n = graph_.node(node);
    if (!IsOp(n, "Mul") && !IsOp(n, "Div")) return std::nullopt;
    for (const int i : {1, 0}) {
      const auto factor = graph_.Scalar(n.input(i));
      if (!factor || (i == 0 && IsOp(n, "Div"))) continue;
      // A scalar of more dimensions than the other would add some.
      if (graph_.Shape(n.output(0)) != graph_.Shape(n.input(1 - i))) continue;
      scale_ *= IsOp(n, "Div") ? 1 / *factor : *factor;
      scale_node_ = node;
      return n.input(1 - i);
    }
    return std::nullopt;
  }

  // Where the node hides keys from queries: the scores that it hides them in.
  std::optional<std::string> Masked(int node, const Sizes& shape) {
    const onnx::NodeProto& n = graph_.node(node);
    auto is_scores = [&](const std::string& value) {
      return !graph_.IsConstant(value) && graph_.Maker(value) >= 0 &&
             graph_.OnlyUser(value) == node && graph_.Shape(value) == shape &&
             LeadsToProduct(value);
    };
    auto masked = [&](const std::string& scores, Mask mask) {
      if (mask == Mask::kOther || mask_ == Mask::kNone) mask_ = mask;
      mask_node_ = node;
      return scores;
    };
    if (IsOp(n, "Add")) {
      for (const int i : {0, 1}) {
        if (!is_scores(n.input(i))) continue;
        return masked(n.input(i), AddedMask(graph_, n.input(1 - i), queries_, keys_));
      }
    }
    if (IsOp(n, "Where")) {
      for (const int i : {1, 2}) {
        if (!is_scores(n.input(i))) continue;
        return masked(n.input(i), SelectedMask(graph_, n.input(0), n.input(3 - i),
                                               /*seen_where_true=*/i == 1, queries_, keys_));
      }
    }
    return std::nullopt;
  }

  // Tells scores from a mask that is computed in the call: a product is not far before them.
  bool LeadsToProduct(std::string value) const {
    for (int step = 0; step < 4; step++) {
      const int maker = graph_.Maker(value);
      if (maker < 0) return false;
      const onnx::NodeProto& n = graph_.node(maker);
      if (IsOp(n, "MatMul")) return true;
      if (n.input_size() == 0) return false;
      const bool first_constant = graph_.IsConstant(n.input(0));
      value = n.input(first_constant && n.input_size() > 1 ? 1 : 0);
    }
    return false;
  }

  // Scalars that `value` has been multiplied by before `reader`: they pass through what only moves
  // it. Returns the reader of what is left.
  void TakeScales(std::string value, int reader) {
    while (true) {
      const int maker = graph_.Maker(value);
      if (maker < 0 || graph_.OnlyUser(value) != reader) return;
      const onnx::NodeProto& n = graph_.node(maker);
      if (const auto scaled = Scaled(maker)) {
        nodes_.push_back(maker);
        value = *scaled;
      } else if (IsOp(n, "Transpose") || IsOp(n, "Reshape") || IsOp(n, "Identity")) {
        value = n.input(0);
      } else {
        return;
      }
      reader = maker;
    }
  }

  // The operator reads keys as [.., keys, depth], so a Transpose is to stand before the product:
  // one that only swaps these goes, another moves data to other places and stays.
  bool MatchKeys(const std::string& transposed_keys) {
    keys_value_ = transposed_keys;
    if (graph_.IsConstant(transposed_keys)) return true;
    std::string value = transposed_keys;
    int reader = scores_;
    while (true) {
      const int maker = graph_.Maker(value);
      if (maker < 0 || graph_.OnlyUser(value) != reader) return false;
      reader = maker;
      if (IsOp(graph_.node(maker), "Transpose")) break;
      const auto scaled = Scaled(maker);
      if (!scaled) return false;
      nodes_.push_back(maker);
      value = *scaled;
    }
    const onnx::NodeProto& n = graph_.node(reader);
    const auto shape = graph_.Shape(n.input(0));
    if (!shape || shape->size() < 2) return false;
    Sizes reversed;
    for (size_t i = shape->size(); i-- > 0;) reversed.push_back(static_cast<int64_t>(i));
    Sizes order = IntsAttribute(n, "perm", reversed);
    std::swap(*(order.end() - 1), *(order.end() - 2));
    if (std::is_sorted(order.begin(), order.end())) nodes_.push_back(reader);
    TakeScales(n.input(0), reader);
    return true;
  }

  // Q [.., queries, depth], K [.., depth, keys] and V [.., keys, depth] of the same heads.
  bool MatchSizes() {
    const auto q = graph_.Shape(graph_.node(scores_).input(0)), k = graph_.Shape(keys_value_),
               v = graph_.Shape(values_);
    if (!q || !k || !v || q->size() < 2 || k->size() != q->size() || v->size() != q->size()) {
      return false;
    }
    const Sizes batch(q->begin(), q->end() - 2);
    depth_ = q->back();
    heads_ = ProductOf(batch.begin(), batch.end());
    return Sizes(k->begin(), k->end() - 2) == batch && Sizes(v->begin(), v->end() - 2) == batch &&
           v->back() == depth_ && *(v->end() - 2) == keys_ && *(q->end() - 2) == queries_;
  }

  const OnnxGraph& graph_;
  int softmax_;
  int scores_ = -1, mask_node_ = -1, scale_node_ = -1;
  std::vector<int> nodes_;
  std::string keys_value_, values_;
  int64_t heads_ = 0, queries_ = 0, keys_ = 0, depth_ = 0;
  double scale_ = 1;
  Mask mask_ = Mask::kNone;
};

}  // namespace

void FindAttention(const OnnxGraph& graph, Findings& findings) {
  for (int n = 0; n < graph.size(); n++) {
    if (IsOp(graph.node(n), "Softmax") && !findings.Decided(n)) {
      AttentionMatcher(graph, n).Match(findings);
    }
  }
}

}  // namespace halyard
