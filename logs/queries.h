// Questions people and commands ask of a log, over any store.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "logs/measurement_log.h"

namespace halyard {

// What may be ranked together. Records of different keys never are.
struct RankingKey {
  std::string workload;
  std::string device;
  std::string unit;
  BoardKind board_kind = BoardKind::kPhysical;
  // What tells the hardware of one device id from another's; "": not known, or not asked for.
  std::string hardware{};

  auto operator<=>(const RankingKey&) const = default;
};

// The keys of records, each snapshot looked at once. Records that share a snapshot's text share the
// pointer, as those of one query do.
class RankingKeys {
 public:
  // `one_hardware`: whatever differs in it is not asked for.
  explicit RankingKeys(bool one_hardware = false) : one_hardware_(one_hardware) {}
  RankingKey Of(const Record& record);

 private:
  const std::string& HardwareOf(const Record& record);

  const bool one_hardware_;
  std::map<const std::string*, std::string> known_;
};

struct TaskStats {
  RankingKey key;
  int64_t trials = 0;
  int64_t ok = 0;
  std::optional<Record> best;  // as BestRecords; none where none is left
  int64_t first_unix_ms = 0;
  int64_t last_unix_ms = 0;

  double ok_share() const { return static_cast<double>(ok) / static_cast<double>(trials); }
};

// The best ok record of each key among those that match, in key order; filter.outcome is ignored.
// Where filter.device_snapshot is given, what matches it is one hardware.
// Best: the lowest value() among final records, or among screening ones where there is no final one
// (screening is cheap and noisy). Only the newest timing protocol a key has ok records of counts.
// The earlier record wins a tie. A config that was ever wrong is nobody's best: it was right by
// chance.
absl::StatusOr<std::vector<Record>> BestRecords(const MeasurementLog& log,
                                                const RecordFilter& filter);

// How many matching records ended in each outcome; outcomes that did not occur are left out.
absl::StatusOr<std::map<Outcome, int64_t>> OutcomeCounts(const MeasurementLog& log,
                                                         const RecordFilter& filter);

// One entry a key, in key order.
absl::StatusOr<std::vector<TaskStats>> Stats(const MeasurementLog& log);
// The same of records that a query gave.
std::vector<TaskStats> Stats(std::span<const Record> records);

}  // namespace halyard
