// That no node of a graph needs what it makes.

#include <algorithm>
#include <vector>

#include "absl/strings/str_join.h"
#include "fmt/format.h"
#include "schedules/onnx/model_shapes.h"

namespace halyard {
namespace {

constexpr size_t kNamed = 4;  // nodes of a cycle, in its line

std::string NameOf(const onnx::NodeProto& node) {
  return fmt::format("{} '{}'", node.op_type(), node.name().empty() ? node.output(0) : node.name());
}

}  // namespace

absl::Status CheckAcyclic(const std::string& path, const onnx::GraphProto& graph) {
  const int nodes = graph.node_size();
  std::unordered_map<std::string, int> maker;
  for (int n = 0; n < nodes; n++) {
    for (const std::string& output : graph.node(n).output()) maker.emplace(output, n);
  }
  std::vector<std::vector<int>> needs(nodes), feeds(nodes);
  std::vector<int> open(nodes), ready;
  for (int n = 0; n < nodes; n++) {
    for (const std::string& input : graph.node(n).input()) {
      const auto found = maker.find(input);
      if (input.empty() || found == maker.end()) continue;
      needs[n].push_back(found->second);
      feeds[found->second].push_back(n);
    }
    open[n] = static_cast<int>(needs[n].size());
    if (open[n] == 0) ready.push_back(n);
  }
  int done = 0;
  for (; !ready.empty(); done++) {
    const int n = ready.back();
    ready.pop_back();
    for (const int next : feeds[n]) {
      if (--open[next] == 0) ready.push_back(next);
    }
  }
  if (done == nodes) return absl::OkStatus();
  // Each that is left needs another that is left: going back comes round.
  std::vector<int> way = {static_cast<int>(
      std::find_if(open.begin(), open.end(), [](int count) { return count > 0; }) - open.begin())};
  std::vector<int>::iterator first;
  while (true) {
    const std::vector<int>& before = needs[way.back()];
    const int n = *std::find_if(before.begin(), before.end(), [&](int b) { return open[b] > 0; });
    first = std::find(way.begin(), way.end(), n);
    if (first != way.end()) break;
    way.push_back(n);
  }
  std::vector<std::string> names;
  for (auto at = first; at != way.end(); ++at) names.push_back(NameOf(graph.node(*at)));
  const size_t more = names.size() > kNamed ? names.size() - kNamed : 0;
  names.resize(names.size() - more);
  return absl::InvalidArgumentError(fmt::format(
      "'{}' has a cycle: {}{} need each other's outputs; an ONNX graph has none, export it again",
      path, absl::StrJoin(names, ", "), more > 0 ? fmt::format(" and {} more", more) : ""));
}

}  // namespace halyard
