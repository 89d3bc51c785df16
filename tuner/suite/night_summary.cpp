#include "tuner/suite/night_summary.h"

#include <algorithm>

#include "absl/strings/str_join.h"
#include "fmt/format.h"
#include "tuner/duration_text.h"
#include "tuner/gate/gate_text.h"

namespace halyard {
namespace {

using nlohmann::json;

// Of all devices' tasks.
struct Counts {
  int tasks = 0, searched = 0, as_shipped = 0, without = 0, trials = 0, resumed = 0;
  int faster = 0, kept_back = 0, left_out = 0;
  double most_faster = 0;
};

Counts CountsOf(const NightSummary& night) {
  Counts c;
  for (const NightDevice& d : night.devices) {
    for (const SuiteRow& r : d.tasks.rows) {
      c.tasks++;
      c.searched += r.searched() ? 1 : 0;
      c.as_shipped += !r.searched() && r.final ? 1 : 0;
      c.without += !r.final && d.lost.empty() ? 1 : 0;
      c.trials += static_cast<int>(r.search.trials.size());
      c.resumed += r.search.resumed;
    }
    if (!d.gate) continue;
    for (const GatedVariant& v : d.gate->variants) {
      const bool is_new = v.decision.verdict == GateVerdict::kNew;
      c.kept_back += v.decision.verdict == GateVerdict::kKept && v.evidence.in_log ? 1 : 0;
      c.left_out += v.decision.verdict == GateVerdict::kLeftOut ? 1 : 0;
      if (!is_new || !v.evidence.ratio || v.evidence.ratio->high >= 1) continue;
      c.faster++;
      c.most_faster = std::max(c.most_faster, 1 / v.evidence.ratio->mean - 1);
    }
  }
  return c;
}

std::string Plural(int n, const std::string& what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

}  // namespace

std::string NightParagraph(const NightSummary& night) {
  const Counts c = CountsOf(night);
  std::vector<std::string> bad, done;
  for (const NightDevice& d : night.devices) {
    const std::string& id = d.tasks.device.id;
    if (!d.lost.empty()) bad.push_back(fmt::format("{} was lost: {}", id, d.lost));
    for (const SuiteRow& r : d.tasks.rows) {
      if (!r.final_failed.empty()) {
        bad.push_back(fmt::format("{} on {} has no final: {}", ListedText(r.task.workload), id,
                                  r.final_failed));
      }
    }
  }
  if (c.without > 0) bad.push_back(Plural(c.without, "task") + " without a valid schedule");
  if (c.left_out > 0) bad.push_back(Plural(c.left_out, "variant") + " left out of a library");
  if (c.kept_back > 0) {
    done.push_back(Plural(c.kept_back, "regression") + " held back by the gate");
  }
  if (c.faster > 0) {
    done.push_back(fmt::format("{} faster than shipped, by {:.0f} % at most",
                               Plural(c.faster, "task"), 100 * c.most_faster));
  }
  if (c.searched > 0) done.push_back(fmt::format("{} tuned", Plural(c.searched, "task")));
  if (c.as_shipped > 0) done.push_back(fmt::format("{} as shipped", Plural(c.as_shipped, "task")));
  std::string text = night.file + ": ";
  if (!bad.empty()) text += absl::StrJoin(bad, "; ") + ". ";
  text += Plural(static_cast<int>(night.devices.size()), "device") + ", " + Plural(c.tasks, "task");
  if (!done.empty()) text += ": " + absl::StrJoin(done, ", ");
  text += fmt::format(". {}", Plural(c.trials, "trial"));
  if (c.resumed > 0) text += fmt::format(" ({} from the log)", c.resumed);
  text += fmt::format(", {:.1f}", night.board_seconds / 60);
  if (night.board_budget_seconds)
    text += fmt::format(" of {:.1f}", *night.board_budget_seconds / 60);
  text += fmt::format(" board-minutes, {}", DurationText(night.seconds));
  if (!night.stopped_because.empty()) text += "; " + night.stopped_because;
  return text + ".";
}

std::string NightText(const NightSummary& night) {
  std::string text;
  for (const NightDevice& d : night.devices) {
    if (d.shipped_before) {
      text += fmt::format("{}: shipped before the suite was stopped\n\n", d.tasks.device.id);
      continue;
    }
    const bool any = std::any_of(d.tasks.rows.begin(), d.tasks.rows.end(),
                                 [](const SuiteRow& r) { return r.final || r.searched(); });
    if (!d.lost.empty()) {
      text += fmt::format("{} was lost: {}\n\n", d.tasks.device.id, d.lost);
    }
    if (any || d.lost.empty()) text += SuiteText(d.tasks) + "\n";
    if (d.library_kept)
      text += fmt::format("{}: nothing has changed, its library ships on\n\n", d.tasks.device.id);
    if (d.gate) text += GateText(*d.gate, d.tasks.device) + "\n";
  }
  return text + NightParagraph(night) + "\n";
}

json NightJson(const NightSummary& night) {
  json devices = json::array();
  for (const NightDevice& d : night.devices) {
    json device = SuiteJson(d.tasks);
    device["library_kept"] = d.library_kept;
    device["shipped_before"] = d.shipped_before;
    device["lost"] = d.lost.empty() ? json() : json(d.lost);
    device["gate"] = d.gate ? json(GateReportJson(*d.gate, d.tasks.device)) : json();
    devices.push_back(std::move(device));
  }
  return {{"suite", night.file},
          {"devices", std::move(devices)},
          {"seconds", night.seconds},
          {"board_seconds", night.board_seconds},
          {"stopped", night.stopped_because},
          {"summary", NightParagraph(night)}};
}

}  // namespace halyard
