// The log's schema and its history. logs/FORMAT.md describes the result.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "logs/sqlite_connection.h"

namespace halyard {

// "Haly" in SQLite's application-id header field: tells a log from any other database.
inline constexpr int32_t kLogApplicationId = 0x48616c79;
inline constexpr int kOldestLogVersion = 1;
inline constexpr int kLogVersion = 4;

// The version of an existing log. InvalidArgument: not a Halyard log, or newer than kLogVersion.
absl::StatusOr<int> ReadLogVersion(const SqliteConnection& log);

// Brings an empty database or an older log up to `to_version`, all or none. There is no way back.
// REQUIRES: the log is not newer.
absl::Status MigrateLog(const SqliteConnection& log, int to_version = kLogVersion);

}  // namespace halyard
