#include "logs/migrations.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/logs/test_log.h"

namespace halyard {
namespace {

// A file as version 1 wrote it. Frozen: never brought in line with later code.
constexpr char kVersion1[] = R"sql(
  PRAGMA application_id = 1214344313;
  PRAGMA user_version = 1;
  CREATE TABLE records (
    id INTEGER PRIMARY KEY, workload TEXT NOT NULL, config TEXT NOT NULL,
    space_version INTEGER NOT NULL, device TEXT NOT NULL, board TEXT NOT NULL,
    board_kind TEXT NOT NULL, unit TEXT NOT NULL, samples TEXT NOT NULL, outcome TEXT NOT NULL,
    message TEXT NOT NULL, checks TEXT NOT NULL, artifact_sha256 TEXT NOT NULL,
    compiler TEXT NOT NULL, protocol INTEGER NOT NULL, environment TEXT NOT NULL,
    seed TEXT NOT NULL, time_unix_ms INTEGER NOT NULL);
  INSERT INTO records VALUES (1, 'gemm:8x8x8:f32', 'tile=4', 2, 'host', 'host-0', 'physical', 'ns',
    '12.5 0.1 5e-324', 'ok', 'fine', 'probe:64', 'ab', 'halide 14', 1, 'cool',
    '18446744073709551615', 1700000000000);
  INSERT INTO records VALUES (2, 'gemm:8x8x8:f32', 'tile=8', 2, 'host', 'host-0', 'physical', 'ns',
    '', 'crash', 'signal 11', '', '', '', 1, '', '0', 1700000000001);
)sql";

std::string Version1File(const TempFolder& folder) {
  const std::string path = folder.File("old.db");
  const auto db = SqliteConnection::Open(path, {"log", path}, SqliteConnection::Mode::kCreate);
  EXPECT_TRUE(db.ok() && db->Execute(kVersion1).ok());
  return path;
}

int64_t VersionOf(const std::string& path) {
  const auto db = SqliteConnection::Open(path, {"log", path}, SqliteConnection::Mode::kReadOnly);
  return *db->Integer("PRAGMA user_version");
}

void ExpectVersion1Records(const MeasurementLog& log) {
  const auto records = log.Query({});
  ASSERT_TRUE(records.ok()) << records.status();
  ASSERT_EQ(records->size(), 2u);
  const Record& ok = (*records)[0];
  EXPECT_EQ(ok.id, 1);
  EXPECT_EQ(ok.samples, (std::vector<double>{12.5, 0.1, 5e-324}));
  EXPECT_EQ(ok.seed, 18446744073709551615u);
  EXPECT_EQ(ok.phase, "screening");
  EXPECT_EQ(ok.compiler, "halide 14");
  EXPECT_EQ((*records)[1].outcome, Outcome::kCrash);
}

TEST(Migrations, WritingUpgradesAnOldFile) {
  TempFolder folder;
  const std::string path = Version1File(folder);
  {
    auto log = OpenOrDie(path, LogMode::kWrite);
    ExpectVersion1Records(*log);
    std::vector<Record> more = {FullRecord()};
    ASSERT_TRUE(log->Append(more).ok());
    EXPECT_EQ(more[0].id, 3);
  }
  EXPECT_EQ(VersionOf(path), kLogVersion);
  const auto records = *OpenOrDie(path, LogMode::kRead)->Query({});
  EXPECT_EQ(records[2].phase, "final");
  EXPECT_EQ(records[0].device_snapshot, nullptr);
  EXPECT_EQ(records[0].predicted_score, std::nullopt);
  EXPECT_EQ(records[0].peak_gflops, 0);
  EXPECT_EQ(records[2].predicted_score, 0.484);
  EXPECT_EQ(records[2].peak_gflops, 48);
  EXPECT_EQ(*records[2].device_snapshot, *FullRecord().device_snapshot);
}

TEST(Migrations, ReadingAnOldFileLeavesItOld) {
  TempFolder folder;
  const std::string path = Version1File(folder);
  const std::string before = ReadAll(path);
  ExpectVersion1Records(*OpenOrDie(path, LogMode::kRead));
  EXPECT_EQ(ReadAll(path), before);
}

TEST(Migrations, VersionsOutsideTheRangeAreRefusedUnchanged) {
  TempFolder folder;
  const std::string path = Version1File(folder);
  for (int version : {0, kLogVersion + 1, 1000}) {
    {
      const auto db =
          SqliteConnection::Open(path, {"log", path}, SqliteConnection::Mode::kReadWrite);
      ASSERT_TRUE(db->Execute(fmt::format("PRAGMA user_version = {}", version)).ok());
    }
    const std::string before = ReadAll(path);
    for (LogMode mode : {LogMode::kRead, LogMode::kWrite}) {
      const auto log = OpenSqliteLog(path, mode);
      EXPECT_EQ(log.status().code(), absl::StatusCode::kInvalidArgument);
      EXPECT_NE(log.status().message().find(fmt::format("of version {}", version)),
                absl::string_view::npos)
          << log.status();
    }
    EXPECT_EQ(ReadAll(path), before);
    EXPECT_EQ(folder.Names(), std::vector<std::string>{"old.db"});
  }
}

TEST(Migrations, EveryPathLeadsToTheSameSchema) {
  const auto schema = [](int first) {
    const auto db = SqliteConnection::Open("", {"log", "memory"}, SqliteConnection::Mode::kMemory);
    EXPECT_TRUE(MigrateLog(*db, first).ok());
    EXPECT_TRUE(MigrateLog(*db).ok());
    EXPECT_EQ(*ReadLogVersion(*db), kLogVersion);
    auto rows = db->Prepare("SELECT group_concat(sql, ';') FROM sqlite_schema ORDER BY name");
    EXPECT_TRUE(*rows->Step());
    return rows->Text(0);
  };
  for (int version = kOldestLogVersion; version < kLogVersion; ++version) {
    EXPECT_EQ(schema(version), schema(kLogVersion));
  }
}

TEST(Migrations, AFailedMigrationChangesNothing) {
  const auto db = SqliteConnection::Open("", {"log", "memory"}, SqliteConnection::Mode::kMemory);
  ASSERT_TRUE(db->Execute(kVersion1).ok());
  // The second statement of the step to version 2 meets its own index.
  ASSERT_TRUE(db->Execute("CREATE INDEX records_by_task ON records (device)").ok());
  EXPECT_FALSE(MigrateLog(*db).ok());
  EXPECT_EQ(*ReadLogVersion(*db), 1);
  EXPECT_FALSE(db->Prepare("SELECT phase FROM records").ok());
}

}  // namespace
}  // namespace halyard
