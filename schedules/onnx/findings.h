// What patterns have found in a graph: calls of workloads, and what became of each node.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "schedules/onnx/onnx_graph.h"
#include "schedules/workload.h"

namespace halyard {

// A workload before it is checked: as typed at --op and --shape, attributes included.
struct Call {
  std::string op;
  Sizes sizes;
  std::vector<std::string> attributes;  // "pad=1"
};

class Findings {
 public:
  // `graph` must outlive it.
  explicit Findings(const OnnxGraph& graph);

  bool Decided(int node) const { return nodes_[node].kind != Kind::kOpen; }
  // `nodes` are computed by one call, first of all `anchor`, which does `flops` alone. Where the
  // operator refuses the workload nothing is covered, and the anchor left with the reason.
  void Cover(int anchor, const std::vector<int>& nodes, const Call& call, double flops = 0);
  // Costs nothing at a call.
  void Free(int node) { nodes_[node].kind = Kind::kFree; }
  void Leave(int node, const std::string& reason, double flops = 0);
  // REQUIRES: every node is decided.
  Network Result() const;

 private:
  enum class Kind { kOpen, kFree, kCovered, kLeft };
  struct Decision {
    Kind kind = Kind::kOpen;
    std::string reason;
    double flops = 0;
  };
  const OnnxGraph& graph_;
  std::vector<Decision> nodes_;
  std::map<int, Workload> calls_;  // by anchor
};

// The patterns, in the order in which they are tried: each takes what is open.
void FindAttention(const OnnxGraph& graph, Findings& findings);
void FindProducts(const OnnxGraph& graph, Findings& findings);
void FindSoftmax(const OnnxGraph& graph, Findings& findings);
// Decides about everything that is still open.
void FindRest(const OnnxGraph& graph, Findings& findings);

// Rows and columns of a Softmax over contiguous rows; FailedPrecondition says why it is none.
absl::StatusOr<std::pair<int64_t, int64_t>> SoftmaxSizes(const OnnxGraph& graph, int node);

}  // namespace halyard
