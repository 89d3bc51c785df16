#include "logs/queries.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "targets/device_snapshot.h"

namespace halyard {
namespace {

bool IsBetter(const Record& a, const Record& b) {
  const auto rank = [](const Record& r) {
    return std::tuple(-r.protocol, r.phase != "final", r.value(), r.id);
  };
  return rank(a) < rank(b);
}

// Configs of which any record is wrong_result.
class WrongConfigs {
 public:
  explicit WrongConfigs(std::span<const Record> records) {
    for (const Record& r : records) {
      if (r.outcome == Outcome::kWrongResult) wrong_.insert(ConfigOf(r));
    }
  }
  bool Has(const Record& r) const { return wrong_.count(ConfigOf(r)) != 0; }

 private:
  using Config = std::tuple<std::string, std::string, int, std::string>;
  static Config ConfigOf(const Record& r) {
    return {r.workload, r.device, r.space_version, r.config};
  }
  std::set<Config> wrong_;
};

}  // namespace

RankingKey RankingKeys::Of(const Record& r) {
  return {r.workload, r.device, r.unit, r.board_kind, one_hardware_ ? "" : HardwareOf(r)};
}

const std::string& RankingKeys::HardwareOf(const Record& r) {
  const auto [at, first] = known_.try_emplace(r.device_snapshot.get());
  if (first && r.device_snapshot != nullptr) at->second = HardwareText(*r.device_snapshot);
  return at->second;
}

absl::StatusOr<std::vector<Record>> BestRecords(const MeasurementLog& log,
                                                const RecordFilter& filter) {
  RecordFilter ok_only = filter;
  ok_only.outcome = Outcome::kOk;
  absl::StatusOr<std::vector<Record>> records = log.Query(ok_only);
  if (!records.ok()) return records.status();
  RecordFilter wrong_only = filter;
  wrong_only.outcome = Outcome::kWrongResult;
  const absl::StatusOr<std::vector<Record>> wrong_records = log.Query(wrong_only);
  if (!wrong_records.ok()) return wrong_records.status();
  const WrongConfigs wrong(*wrong_records);

  RankingKeys keys(!filter.device_snapshot.empty());
  std::map<RankingKey, const Record*> best;
  for (const Record& record : *records) {
    if (wrong.Has(record)) continue;
    const Record*& incumbent = best[keys.Of(record)];
    if (incumbent == nullptr || IsBetter(record, *incumbent)) incumbent = &record;
  }
  std::vector<Record> result;
  for (const auto& [key, record] : best) result.push_back(*record);
  return result;
}

absl::StatusOr<std::map<Outcome, int64_t>> OutcomeCounts(const MeasurementLog& log,
                                                         const RecordFilter& filter) {
  std::map<Outcome, int64_t> counts;
  for (size_t i = 0; i < kOutcomeNames.size(); ++i) {
    RecordFilter one = filter;
    one.outcome = static_cast<Outcome>(i);
    if (filter.outcome && filter.outcome != one.outcome) continue;
    const absl::StatusOr<int64_t> count = log.Count(one);
    if (!count.ok()) return count.status();
    if (*count > 0) counts[*one.outcome] = *count;
  }
  return counts;
}

absl::StatusOr<std::vector<TaskStats>> Stats(const MeasurementLog& log) {
  const absl::StatusOr<std::vector<Record>> records = log.Query({});
  if (!records.ok()) return records.status();
  return Stats(*records);
}

std::vector<TaskStats> Stats(std::span<const Record> records) {
  const WrongConfigs wrong(records);
  RankingKeys keys;
  std::map<RankingKey, TaskStats> tasks;
  std::map<RankingKey, const Record*> best;
  for (const Record& record : records) {
    const RankingKey key = keys.Of(record);
    TaskStats& task = tasks[key];
    const int64_t time = record.time_unix_ms;
    task.first_unix_ms = task.trials == 0 ? time : std::min(task.first_unix_ms, time);
    task.last_unix_ms = task.trials == 0 ? time : std::max(task.last_unix_ms, time);
    ++task.trials;
    if (record.outcome != Outcome::kOk) continue;
    ++task.ok;
    if (wrong.Has(record)) continue;
    const Record*& incumbent = best[key];
    if (incumbent == nullptr || IsBetter(record, *incumbent)) incumbent = &record;
  }
  for (const auto& [key, record] : best) tasks[key].best = *record;
  std::vector<TaskStats> result;
  for (auto& [key, task] : tasks) {
    task.key = key;
    result.push_back(std::move(task));
  }
  return result;
}

}  // namespace halyard
