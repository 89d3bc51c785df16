#include "tuner/suite/suite_summary.h"

#include <algorithm>

#include "fmt/format.h"
#include "tuner/listing.h"
#include "tuner/measured_time.h"
#include "tuner/summary.h"

namespace halyard {
namespace {

using nlohmann::json;

constexpr size_t kNameColumns = 31;

bool HasBoth(const SuiteRow& r) { return r.best_ms() > 0 && r.safe_ms() > 0; }

std::string Milliseconds(double ms) { return ms > 0 ? fmt::format("{:.4g}", ms) : "-"; }

std::string RowText(const SuiteRow& r, double total_ms) {
  std::string name = "  " + ListedText(r.task.workload);
  // What does not fit has a line of its own.
  if (name.size() > kNameColumns) name += "\n";
  const double ms = r.calls * r.best_ms();
  const size_t column = name.ends_with("\n") ? 0 : name.size();
  return name + std::string(kNameColumns - column, ' ') +
         fmt::format(
             "{:>6}{:>10}{:>10}{:>8}{:>7}{:>7}\n", r.calls, Milliseconds(r.best_ms()),
             Milliseconds(r.safe_ms()), ms > 0 ? fmt::format("{:.1f}", 100 * ms / total_ms) : "-",
             r.searched() ? std::to_string(r.search.trials.size()) : "-",
             ms > 0 && r.searched() ? fmt::format("{:.1f}", 100 * r.search.forecast.gain) : "-");
}

double TotalMs(const SuiteSummary& s) {
  double ms = 0;
  for (const SuiteRow& r : s.rows) ms += r.calls * r.best_ms();
  return ms;
}

std::string SearchText(const SuiteSummary& s) {
  const int trials = s.search.trials(), here = trials - s.search.resumed();
  if (trials == 0) return "";
  std::string out = fmt::format("  trials    {}", trials);
  if (s.search.resumed() > 0) out += fmt::format(" ({} of them from the log)", s.search.resumed());
  out +=
      fmt::format("\n            {:.1f} s, {:.1f} trials/s; stopped: {}\n", s.search.seconds,
                  s.search.seconds > 0 ? here / s.search.seconds : 0.0, s.search.stopped_because);
  if (s.best_ms() > 0 && s.search.forecast.trials > 0) {
    out += fmt::format("            {}\n", ForecastText(s.search.forecast));
  }
  return out;
}

json RowJson(const SuiteRow& r, double total_ms) {
  json row = {{"workload", r.task.workload.ToText()},
              {"calls", r.calls},
              {"best", nullptr},
              {"baseline", nullptr},
              {"share", r.calls * r.best_ms() / total_ms},
              {"trials", OutcomesJson(r.search)},
              {"resumed", r.search.resumed},
              {"seconds", r.search.seconds},
              {"expected", ForecastJson(r.search.forecast)},
              {"stopped", r.search.stopped_because},
              {"model", r.search.model}};
  if (!r.final) return row;
  row["best"] = {{"value", r.final->winner_value},
                 {"config", r.task.space.ToText(r.final->winner)},
                 {"record", r.final->winner_record}};
  row["baseline"] = {{"value", nullptr}, {"config", r.task.space.ToText(r.task.space.safe())}};
  if (r.final->baseline_value > 0) row["baseline"]["value"] = r.final->baseline_value;
  if (!r.final_failed.empty()) row["final_failed"] = r.final_failed;
  if (!r.again.empty()) row["shipped_winner"] = r.again;
  return row;
}

}  // namespace

double SuiteRow::best_ms() const {
  return final ? 1e-6 * NanosecondsPerUnit(task.device) * final->winner_value : 0;
}

double SuiteRow::safe_ms() const {
  return final ? 1e-6 * NanosecondsPerUnit(task.device) * final->baseline_value : 0;
}

double SuiteSummary::best_ms() const {
  double ms = 0;
  for (const SuiteRow& r : rows) ms += HasBoth(r) ? r.calls * r.best_ms() : 0;
  return ms;
}

double SuiteSummary::safe_ms() const {
  double ms = 0;
  for (const SuiteRow& r : rows) ms += HasBoth(r) ? r.calls * r.safe_ms() : 0;
  return ms;
}

std::string SuiteText(const SuiteSummary& s) {
  std::string out = fmt::format("{} on {}, {} tasks\n", s.file, s.device.id, s.rows.size());
  out += BoardNote(s.device);
  out += fmt::format("\n{:<{}}{:>6}{:>10}{:>10}{:>8}{:>7}{:>7}\n", "  task", kNameColumns, "calls",
                     "best ms", "safe ms", "% total", "trials", "more %");
  const double total = TotalMs(s);
  for (const SuiteRow& r : s.rows) out += RowText(r, total);
  out += fmt::format("{:<{}}{:>10}{:>10}\n", "  all calls", kNameColumns + 6,
                     Milliseconds(s.best_ms()), Milliseconds(s.safe_ms()));
  const bool any =
      std::any_of(s.rows.begin(), s.rows.end(), [](const SuiteRow& r) { return r.searched(); });
  if (any) {
    out += fmt::format("  more %: what {} more trials of the task are expected to bring\n",
                       kForecastTrials);
  }
  out += "\n";
  if (s.best_ms() > 0) {
    out += fmt::format("  speed-up  {:.2f}x over the safe schedules\n", s.safe_ms() / s.best_ms());
  }
  out += SearchText(s);
  for (const SuiteRow& r : s.rows) {
    const std::string name = ListedText(r.task.workload);
    if (!r.final) out += fmt::format("  no valid schedule of {}\n", name) + FailureLines(r.search);
    if (!r.again.empty() && r.again != kAsShipped) {
      out += fmt::format("  {}: {}\n", name, r.again);
    }
    if (!r.final_failed.empty()) {
      out += fmt::format("  {} ships its screening's best: {}\n", name, r.final_failed);
    }
  }
  if (!s.library.empty()) {
    out += fmt::format("  library   {}\n  header    {}\n  manifest  {}\n", s.library, s.header,
                       s.manifest);
  }
  out += fmt::format("  log       {}\n", s.options.log_path);
  for (const Listing& l : s.networks) {
    const std::string left = NotCoveredText(*l.network);
    if (left.empty()) continue;
    out += "\n";
    if (s.networks.size() > 1) out += "  " + l.file + "\n";
    out += left;
  }
  return out;
}

json SuiteJson(const SuiteSummary& s) {
  json tasks = json::array();
  const double total = TotalMs(s);
  for (const SuiteRow& r : s.rows) tasks.push_back(RowJson(r, total > 0 ? total : 1));
  const int trials = s.search.trials(), here = trials - s.search.resumed();
  json all = {{"file", s.file},
              {"device", s.device.id},
              {"board_kind", BoardKindName(s.device.board_kind())},
              {"unit", UnitOf(s.device.board_kind())},
              {"tasks", tasks},
              {"total_ms", {{"best", s.best_ms()}, {"baseline", s.safe_ms()}}},
              {"trials", trials},
              {"resumed", s.search.resumed()},
              {"trials_per_second", s.search.seconds > 0 ? here / s.search.seconds : 0.0},
              {"seconds", s.search.seconds},
              {"stopped", s.search.stopped_because},
              {"expected", ForecastJson(s.search.forecast)},
              {"library", s.library},
              {"header", s.header},
              {"manifest", s.manifest},
              {"log", s.options.log_path}};
  if (s.networks.size() == 1) {
    all["not_covered"] = NotCoveredJson(*s.networks[0].network);
  }
  for (const Listing& l : s.networks) {
    if (s.networks.size() > 1) all["not_covered"][l.file] = NotCoveredJson(*l.network);
  }
  return all;
}

}  // namespace halyard
