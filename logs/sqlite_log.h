// The measurement log in one SQLite file. OpenSqliteLog makes it.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "logs/log_writer_lock.h"
#include "logs/measurement_log.h"
#include "logs/sqlite_connection.h"

namespace halyard {

class SqliteLog : public MeasurementLog {
 public:
  // Without a lock the log is for reading. REQUIRES: the schema is kLogVersion's.
  SqliteLog(std::optional<LogWriterLock> lock, SqliteConnection connection);

  // Also FailedPrecondition: opened for reading, or the file was moved or removed meanwhile;
  // InvalidArgument: a record fails NormalizeRecord; ResourceExhausted: disk full.
  absl::Status Append(std::vector<Record>& records) override;
  // In id order.
  absl::StatusOr<std::vector<Record>> Query(const RecordFilter& filter) const override;
  absl::StatusOr<int64_t> Count(const RecordFilter& filter) const override;
  absl::StatusOr<std::vector<LoggedDevice>> Devices() const override;

 private:
  using Snapshots = std::map<int64_t, std::shared_ptr<const std::string>>;  // by row

  absl::StatusOr<Snapshots> ReadSnapshots() const;
  absl::StatusOr<int64_t> RowOfSnapshot(const std::string& snapshot);
  absl::Status Insert(const std::vector<Record>& records, std::vector<int64_t>& ids);

  mutable std::mutex mutex_;
  // Before the connection, so released after it: closing still writes.
  std::optional<LogWriterLock> lock_;
  SqliteConnection connection_;
};

}  // namespace halyard
