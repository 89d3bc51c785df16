#include "schedules/onnx/findings.h"

#include <algorithm>

#include "absl/strings/str_join.h"
#include "fmt/format.h"

namespace halyard {

Findings::Findings(const OnnxGraph& graph)
    : graph_(graph), nodes_(static_cast<size_t>(graph.size())) {}

void Findings::Cover(int anchor, const std::vector<int>& nodes, const Call& call, double flops) {
  std::string shape = SizesText(call.sizes);
  for (const std::string& attribute : call.attributes) shape += "," + attribute;
  auto workload = MakeWorkload(call.op, shape, "f32");
  if (!workload.ok()) {
    // "--shape 'SHAPE': what is wrong; what would be right": neither is this reader's to change.
    std::string why(workload.status().message());
    if (const size_t at = why.find("': "); at != std::string::npos) why.erase(0, at + 3);
    Leave(anchor, fmt::format("{} {}", call.op, why.substr(0, why.find(';'))), flops);
    return;
  }
  calls_.emplace(anchor, *std::move(workload));
  for (const int n : nodes) nodes_[n].kind = Kind::kCovered;
}

void Findings::Leave(int node, const std::string& reason, double flops) {
  nodes_[node] = {Kind::kLeft, reason, flops};
}

Network Findings::Result() const {
  Network network;
  network.opset = graph_.opset();
  network.nodes = graph_.size();
  std::map<std::string, size_t> tasks;
  for (const auto& [anchor, workload] : calls_) {
    const auto [at, is_new] = tasks.emplace(workload.ToText(), network.tasks.size());
    if (is_new) {
      network.tasks.push_back({workload, 1});
    } else {
      network.tasks[at->second].count++;
    }
  }
  std::map<std::pair<std::string, std::string>, NotCovered> left;
  for (int n = 0; n < graph_.size(); n++) {
    const Decision& d = nodes_[n];
    network.covered_nodes += d.kind == Kind::kCovered ? 1 : 0;
    network.free_nodes += d.kind == Kind::kFree ? 1 : 0;
    if (d.kind != Kind::kLeft) continue;
    NotCovered& group = left[{graph_.node(n).op_type(), d.reason}];
    group.op = graph_.node(n).op_type();
    group.reason = d.reason;
    group.nodes++;
    group.flops += d.flops;
  }
  for (auto& [key, group] : left) network.not_covered.push_back(std::move(group));
  std::stable_sort(network.not_covered.begin(), network.not_covered.end(),
                   [](const NotCovered& a, const NotCovered& b) {
                     return std::tie(b.flops, b.nodes) < std::tie(a.flops, a.nodes);
                   });
  return network;
}

}  // namespace halyard
