// Gelu as exporters before opset 20 write it, of five nodes in any order of its factors.

#include <algorithm>
#include <cmath>

#include "schedules/onnx/epilogue_pattern.h"

namespace halyard {
namespace {

bool Near(double a, double b) { return std::fabs(a - b) <= 1e-4 * std::fabs(b); }

// The other operand of a node of two.
const std::string& Other(const onnx::NodeProto& node, const std::string& value) {
  return node.input(0) == value ? node.input(1) : node.input(0);
}

class Matcher {
 public:
  Matcher(const OnnxGraph& graph, const std::string& x) : graph_(graph), x_(x) {}

  GeluNodes Match() {
    for (const int user : graph_.Users(x_)) {
      if (MatchFrom(user) && Closed()) return {nodes_, result_};
      nodes_.clear();
    }
    return {};
  }

 private:
  // x / sqrt 2, and on.
  bool MatchFrom(int first) {
    const onnx::NodeProto& n = graph_.node(first);
    if (n.input_size() != 2) return false;
    const auto factor = graph_.Scalar(Other(n, x_));
    const bool halves = factor && ((IsOp(n, "Div") && n.input(0) == x_ && Near(*factor, M_SQRT2)) ||
                                   (IsOp(n, "Mul") && Near(*factor, M_SQRT1_2)));
    if (!halves) return false;
    const int erf = Take(first, "Erf");
    if (erf < 0) return false;
    const int sum = Take(erf, "Add");
    if (sum < 0 || !IsScalar(Other(graph_.node(sum), Out(erf)), 1)) return false;
    const int product = Take(sum, "Mul");
    if (product < 0) return false;
    nodes_.push_back(product);
    result_ = Out(product);
    return EndsWith(product, Other(graph_.node(product), Out(sum)));
  }

  // `product` is (1 + erf) times `factor`; what is left of x * 0.5 is in one or the other.
  bool EndsWith(int product, const std::string& factor) {
    const bool is_x = factor == x_;
    if (is_x || IsScalar(factor, 0.5)) {
      nodes_.pop_back();
      const int last = Take(product, "Mul");
      if (last < 0) return false;
      nodes_.push_back(last);
      result_ = Out(last);
      const std::string& rest = Other(graph_.node(last), Out(product));
      return is_x ? IsScalar(rest, 0.5) : rest == x_;
    }
    const int half = graph_.Maker(factor, "Mul");
    if (half < 0 || graph_.OnlyUser(factor) != product) return false;
    const onnx::NodeProto& n = graph_.node(half);
    if ((n.input(0) != x_ && n.input(1) != x_) || !IsScalar(Other(n, x_), 0.5)) return false;
    nodes_.push_back(half);
    return true;
  }

  // Keeps `node` and goes to its only reader, of that operator; -1: it is none.
  int Take(int node, const char* next) {
    nodes_.push_back(node);
    const int user = graph_.OnlyUser(Out(node));
    return user >= 0 && IsOp(graph_.node(user), next) ? user : -1;
  }

  // Nobody else reads x.
  bool Closed() const {
    const std::vector<int>& users = graph_.Users(x_);
    return !graph_.IsOutput(x_) && std::all_of(users.begin(), users.end(), [&](int user) {
      return std::find(nodes_.begin(), nodes_.end(), user) != nodes_.end();
    });
  }

  bool IsScalar(const std::string& value, double expected) const {
    const auto scalar = graph_.Scalar(value);
    return scalar && Near(*scalar, expected);
  }
  const std::string& Out(int node) const { return graph_.node(node).output(0); }

  const OnnxGraph& graph_;
  const std::string& x_;
  std::vector<int> nodes_;
  std::string result_;
};

}  // namespace

GeluNodes MatchGelu(const OnnxGraph& graph, const std::string& value) {
  return Matcher(graph, value).Match();
}

}  // namespace halyard
