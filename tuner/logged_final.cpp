#include "tuner/logged_final.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"

namespace halyard {
namespace {

// Records of the task's space as it is now, in the order they were logged.
absl::StatusOr<std::vector<Record>> RecordsOf(const MeasurementLog& log, const Task& task) {
  RecordFilter filter;
  filter.workload = task.workload.ToText();
  filter.device = task.device.id;
  filter.unit = UnitOf(task.device.board_kind());
  filter.space_version = task.space.version();
  return log.Query(filter);
}

bool OfFinal(const Record& r) { return absl::StartsWith(r.message, kFinalMessage); }

// The newest final's records. A final logs all its records at once, the winner's alone as final,
// and no config twice; what differs is of the final before.
std::vector<const Record*> NewestFinal(const std::vector<Record>& records) {
  std::vector<const Record*> final;
  std::set<std::string> configs;
  bool winner = false;
  for (auto r = records.rbegin(); r != records.rend() && OfFinal(*r); ++r) {
    const bool wins = r->phase == "final";
    if ((wins && winner) || !configs.insert(r->config).second) break;
    winner = winner || wins;
    final.push_back(&*r);
  }
  if (!winner) final.clear();
  return final;
}

}  // namespace

absl::StatusOr<std::optional<FinalResult>> LoggedFinal(const MeasurementLog& log,
                                                       const Task& task) {
  const auto records = RecordsOf(log, task);
  if (!records.ok()) return records.status();
  FinalResult result;
  result.baseline = task.space.safe();
  for (const Record* r : NewestFinal(*records)) {
    if (r->outcome != Outcome::kOk) continue;
    const auto config = task.space.Parse(r->config);
    if (!config.ok()) return std::nullopt;
    if (r->phase == "final") {
      result.winner = *config;
      result.winner_value = r->value();
      result.winner_record = r->id;
    }
    if (*config == result.baseline) result.baseline_value = r->value();
    result.rounds = static_cast<int>(r->samples.size());
    result.table.push_back({r->phase == "final" ? "winner" : "", *config, 0, r->samples});
  }
  if (result.winner.empty()) return std::nullopt;
  std::stable_sort(result.table.begin(), result.table.end(),
                   [](const Finalist& a, const Finalist& b) { return a.value() < b.value(); });
  return result;
}

}  // namespace halyard
