// The measurement log: every trial ever made, behind an interface plain enough for another store.
#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "logs/record.h"

namespace halyard {

struct RecordFilter {
  std::string workload{};  // "" matches all, also below
  std::string device{};
  std::string unit{};
  std::string compiler{};
  std::optional<int> space_version{};
  std::optional<Outcome> outcome{};
  // A device's snapshot: records of other hardware (HardwareDifferences) do not match; those of
  // which the hardware is not known do.
  std::string device_snapshot{};
};

// Records of one device id as one snapshot has it.
struct LoggedDevice {
  std::string device;
  std::shared_ptr<const std::string> snapshot;  // null: not known
  int64_t records = 0;
};

// One process writes: opening for writing takes an exclusive lock that lasts as long as the object.
// Thread-safe.
class MeasurementLog {
 public:
  virtual ~MeasurementLog() = default;
  // Durable on return, all or none. Assigns ids.
  virtual absl::Status Append(std::vector<Record>& records) = 0;
  virtual absl::StatusOr<std::vector<Record>> Query(const RecordFilter& filter) const = 0;
  virtual absl::StatusOr<int64_t> Count(const RecordFilter& filter) const = 0;
  // By id, then in the order in which the snapshots were first logged.
  virtual absl::StatusOr<std::vector<LoggedDevice>> Devices() const = 0;
};

enum class LogMode { kRead, kWrite };

// Opens or, for kWrite, creates the log. NotFound: no log to read, or no folder to write it in;
// InvalidArgument: not a Halyard log, or from a newer version; PermissionDenied: read-only, by mode
// bits also for root; FailedPrecondition: another process is writing it; ResourceExhausted: disk
// full. Messages name the path and what would be right. A failure leaves the log as it was.
absl::StatusOr<std::unique_ptr<MeasurementLog>> OpenSqliteLog(const std::string& path,
                                                              LogMode mode);

// JSON lines: one record a line, every field, in id order; import gives records back unchanged (ids
// are the order of lines). Import is all or none; a malformed line is named by its number.
absl::Status ExportJsonLines(const MeasurementLog& log, std::ostream& out);
absl::StatusOr<int64_t> ImportJsonLines(std::istream& in, MeasurementLog& log);

}  // namespace halyard
