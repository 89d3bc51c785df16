#include "tuner/listing.h"

#include <algorithm>

#include "fmt/format.h"
#include "logs/queries.h"
#include "schedules/operator.h"
#include "tuner/measured_time.h"
#include "tuner/summary.h"
#include "tuner/task_records.h"

namespace halyard {
namespace {

using nlohmann::json;

constexpr size_t kNameColumns = 31;  // as in a suite's table

double FlopsOf(const Workload& w) { return FindOperator(w.op)->Flops(w); }

double TotalFlops(const Listing& l) {
  double flops = 0;
  for (const ListedWorkload& t : l.tasks) flops += t.count * FlopsOf(t.workload);
  return flops;
}

// 0 unless every task has been measured.
double TotalMs(const Listing& l) {
  double ms = 0;
  for (size_t i = 0; i < l.best_ms.size(); i++) {
    if (l.best_ms[i] <= 0) return 0;
    ms += l.tasks[i].count * l.best_ms[i];
  }
  return ms;
}

std::string Or(const char* otherwise, double value, const char* format) {
  return value > 0 ? fmt::format(fmt::runtime(format), value) : otherwise;
}

std::string HeadText(const Listing& l) {
  std::string head = l.file;
  if (l.network) head += fmt::format(": opset {}, {} nodes", l.network->opset, l.network->nodes);
  return fmt::format("{}{}\n\n", head, l.device.empty() ? "" : ", times of " + l.device);
}

std::string RowText(const Listing& l, size_t i, double all_flops, double all_ms) {
  const ListedWorkload& task = l.tasks[i];
  std::string name = "  " + ListedText(task.workload);
  // What does not fit has a line of its own.
  if (name.size() > kNameColumns) name += "\n";
  const double flops = FlopsOf(task.workload);
  name += std::string(kNameColumns - (name.ends_with("\n") ? 0 : name.size()), ' ');
  name += fmt::format("{:>6}{:>10.4g}{:>8.1f}", task.count, 1e-6 * flops,
                      100 * task.count * flops / all_flops);
  if (!l.best_ms.empty()) {
    const double share = all_ms > 0 ? 100 * task.count * l.best_ms[i] / all_ms : 0;
    name += fmt::format("{:>10}{:>8}", Or("-", l.best_ms[i], "{:.4g}"), Or("-", share, "{:.1f}"));
  }
  return name + "\n";
}

}  // namespace

std::string ListedText(const Workload& workload) {
  std::string text = workload.ToText();
  text[text.find(':')] = ' ';
  return text.substr(0, text.rfind(':'));
}

absl::StatusOr<std::vector<double>> BestMilliseconds(const MeasurementLog& log,
                                                     const Device& device,
                                                     const std::vector<ListedWorkload>& tasks) {
  std::vector<double> best;
  for (const ListedWorkload& t : tasks) {
    const auto records = BestRecords(log, RecordsOfTask(MakeTask(t.workload, device)));
    if (!records.ok()) return records.status();
    double ms = 0;
    for (const Record& r : *records) {
      const double value = 1e-6 * NanosecondsPerUnit(device) * r.value();
      ms = ms > 0 ? std::min(ms, value) : value;
    }
    best.push_back(ms);
  }
  return best;
}

std::string NotCoveredText(const Network& network) {
  int nodes = 0;
  double flops = 0;
  for (const NotCovered& group : network.not_covered) {
    nodes += group.nodes;
    flops += group.flops;
  }
  if (nodes == 0) return "";
  std::string text = fmt::format("  not covered: {} of {} nodes", nodes, network.nodes);
  if (flops > 0) text += fmt::format(", {:.4g} MFLOPs", 1e-6 * flops);
  text += "\n";
  for (const NotCovered& group : network.not_covered) {
    std::string line = group.op + ": " + group.reason;
    if (group.flops > 0) line += fmt::format(" ({:.4g} MFLOPs)", 1e-6 * group.flops);
    // The count stands in the first line's indent.
    constexpr size_t kIndent = 10;
    text += Wrapped(line, std::string(kIndent, ' '))
                .replace(0, kIndent, fmt::format("{:>8}  ", group.nodes)) +
            "\n";
  }
  return text;
}

std::string ListingText(const Listing& l) {
  const double flops = TotalFlops(l), ms = TotalMs(l);
  std::string text = HeadText(l);
  text +=
      fmt::format("{:<{}}{:>6}{:>10}{:>8}", "  task", kNameColumns, "calls", "MFLOPs", "% work");
  text += l.best_ms.empty() ? "\n" : fmt::format("{:>10}{:>8}\n", "best ms", "% time");
  for (size_t i = 0; i < l.tasks.size(); i++) text += RowText(l, i, flops, ms);
  int calls = 0;
  for (const ListedWorkload& t : l.tasks) calls += t.count;
  text += fmt::format("{:<{}}{:>6}{:>10.4g}", "  all calls", kNameColumns, calls, 1e-6 * flops);
  text += l.best_ms.empty() ? "\n" : fmt::format("{:>18}\n", Or("-", ms, "{:.4g}"));
  if (!l.network) return text;
  text += fmt::format("\n  covered: {} nodes, in {} calls of {} tasks; {} cost nothing\n",
                      l.network->covered_nodes, calls, l.tasks.size(), l.network->free_nodes);
  return text + NotCoveredText(*l.network);
}

json NotCoveredJson(const Network& network) {
  json groups = json::array();
  for (const NotCovered& g : network.not_covered) {
    groups.push_back({{"op", g.op}, {"reason", g.reason}, {"nodes", g.nodes}, {"flops", g.flops}});
  }
  return groups;
}

json ListingJson(const Listing& l) {
  const double flops = TotalFlops(l), ms = TotalMs(l);
  json tasks = json::array();
  for (size_t i = 0; i < l.tasks.size(); i++) {
    const ListedWorkload& t = l.tasks[i];
    json task = {{"workload", t.workload.ToText()},
                 {"calls", t.count},
                 {"flops", FlopsOf(t.workload)},
                 {"share_of_flops", t.count * FlopsOf(t.workload) / flops},
                 {"best_ms", nullptr},
                 {"share_of_time", nullptr}};
    if (!l.best_ms.empty() && l.best_ms[i] > 0) {
      task["best_ms"] = l.best_ms[i];
      if (ms > 0) task["share_of_time"] = t.count * l.best_ms[i] / ms;
    }
    tasks.push_back(std::move(task));
  }
  json all = {{"file", l.file}, {"tasks", tasks}, {"flops", flops}};
  if (!l.device.empty()) all["device"] = l.device;
  if (!l.network) return all;
  all["opset"] = l.network->opset;
  all["nodes"] = l.network->nodes;
  all["covered_nodes"] = l.network->covered_nodes;
  all["free_nodes"] = l.network->free_nodes;
  all["not_covered"] = NotCoveredJson(*l.network);
  return all;
}

}  // namespace halyard
