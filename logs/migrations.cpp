#include "logs/migrations.h"

#include <fmt/format.h>

#include <iterator>

namespace halyard {
namespace {

// kMigrations[v] leads from version v to v + 1. Entries are never edited once released: files of
// every version exist. Plain SQL, so that another store can run the same statements.
constexpr const char* kMigrations[] = {
    R"(CREATE TABLE records (
         id INTEGER PRIMARY KEY,
         workload TEXT NOT NULL,
         config TEXT NOT NULL,
         space_version INTEGER NOT NULL,
         device TEXT NOT NULL,
         board TEXT NOT NULL,
         board_kind TEXT NOT NULL,
         unit TEXT NOT NULL,
         samples TEXT NOT NULL,
         outcome TEXT NOT NULL,
         message TEXT NOT NULL,
         checks TEXT NOT NULL,
         artifact_sha256 TEXT NOT NULL,
         compiler TEXT NOT NULL,
         protocol INTEGER NOT NULL,
         environment TEXT NOT NULL,
         seed TEXT NOT NULL,
         time_unix_ms INTEGER NOT NULL);)",
    // All of version 1 was screening. The index serves the question every search starts with.
    R"(ALTER TABLE records ADD COLUMN phase TEXT NOT NULL DEFAULT 'screening';
       CREATE INDEX records_by_task ON records (workload, device, unit, outcome);)",
    // What a device was when a record was made; of the records of earlier versions it is not known.
    R"(CREATE TABLE device_snapshots (id INTEGER PRIMARY KEY, snapshot TEXT NOT NULL UNIQUE);
       ALTER TABLE records ADD COLUMN device_snapshot INTEGER NOT NULL DEFAULT 0;)",
    // What was expected of a trial and what bounds it. Of earlier records neither is known, which
    // is the empty text, as of every number that may be missing.
    R"(ALTER TABLE records ADD COLUMN predicted_score TEXT NOT NULL DEFAULT '';
       ALTER TABLE records ADD COLUMN peak_gflops TEXT NOT NULL DEFAULT '';
       ALTER TABLE records ADD COLUMN copy_gb_per_s TEXT NOT NULL DEFAULT '';)",
};
static_assert(std::size(kMigrations) == kLogVersion);

}  // namespace

absl::StatusOr<int> ReadLogVersion(const SqliteConnection& log) {
  const absl::StatusOr<int64_t> application = log.Integer("PRAGMA application_id");
  if (!application.ok()) return application.status();
  const absl::StatusOr<int64_t> version = log.Integer("PRAGMA user_version");
  if (!version.ok()) return version.status();
  if (*application != kLogApplicationId) {
    return absl::InvalidArgumentError(
        fmt::format("{} is not a Halyard log (an SQLite database of another program, application "
                    "id {}); name another --log",
                    log.name().path, *application));
  }
  if (*version < kOldestLogVersion || *version > kLogVersion) {
    return absl::InvalidArgumentError(fmt::format(
        "{} is a Halyard log of version {}, this program reads {} to {}; {} or name another --log",
        log.name().path, *version, kOldestLogVersion, kLogVersion,
        *version > kLogVersion ? "use a newer Halyard" : "use an older Halyard"));
  }
  return static_cast<int>(*version);
}

absl::Status MigrateLog(const SqliteConnection& log, int to_version) {
  return log.Transaction([&]() -> absl::Status {
    const absl::StatusOr<int64_t> version = log.Integer("PRAGMA user_version");
    if (!version.ok()) return version.status();
    if (*version == to_version) return absl::OkStatus();
    for (int64_t v = *version; v < to_version; ++v) {
      absl::Status status = log.Execute(kMigrations[v]);
      if (!status.ok()) return status;
    }
    return log.Execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}",
                                   kLogApplicationId, to_version));
  });
}

}  // namespace halyard
