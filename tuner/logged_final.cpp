#include "tuner/logged_final.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "tuner/task_records.h"

namespace halyard {
namespace {

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
  const auto records = log.Query(RecordsOfTask(task));
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
