#include "logs/sqlite_log.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "tests/unit/logs/test_log.h"

namespace halyard {
namespace {

Record Failed(const std::string& workload, Outcome outcome) {
  Record r = OkRecord(workload, "c", 1);
  r.outcome = outcome;
  r.samples.clear();
  return r;
}

TEST(SqliteLog, EveryFieldRoundTrips) {
  TempFolder folder;
  const std::string path = folder.File("log.db");
  std::vector<Record> written = {FullRecord(), FullRecord(), FullRecord()};
  Record& awkward = written[1];
  awkward.workload = "it's \"quoted\"; DROP TABLE records; --";
  awkward.config = "two\nlines\r\n\ttab \\ backslash";
  awkward.board = "Gerät-é-日本-\U0001F600";
  awkward.message = awkward.config + awkward.board + std::string(100000, 'x');
  awkward.environment = "%s ? :name @x $y";
  awkward.board_kind = BoardKind::kPhysical;
  awkward.unit = "ns";
  awkward.protocol = std::numeric_limits<int>::min();
  awkward.space_version = std::numeric_limits<int>::max();
  awkward.seed = 0;
  awkward.time_unix_ms = std::numeric_limits<int64_t>::min();
  Record& empty = written[2];
  empty.config = empty.board = empty.message = empty.checks = "";
  empty.artifact_sha256 = empty.compiler = empty.environment = "";
  empty.outcome = Outcome::kBuildError;
  empty.samples.clear();
  {
    auto log = OpenOrDie(path, LogMode::kWrite);
    ASSERT_TRUE(log->Append(written).ok());
  }
  EXPECT_EQ(written[2].id, 3);
  auto log = OpenOrDie(path, LogMode::kRead);
  auto read = log->Query({});
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->size(), written.size());
  for (size_t i = 0; i < written.size(); ++i) ExpectSame((*read)[i], written[i]);
}

TEST(SqliteLog, SamplesAreExact) {
  TempFolder folder;
  auto log = OpenOrDie(folder.File("log.db"), LogMode::kWrite);
  using Limits = std::numeric_limits<double>;
  std::vector<Record> records = {FullRecord()};
  records[0].samples = {0.1,
                        1.0 / 3,
                        Limits::denorm_min(),
                        1e-310,
                        Limits::min(),
                        Limits::max(),
                        1e22,
                        9007199254740993.0,
                        0.0,
                        -0.0,
                        std::nextafter(1.0, 2.0),
                        123456789.123456789};
  ASSERT_TRUE(log->Append(records).ok());
  auto read = log->Query({});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ((*read)[0].samples, records[0].samples);
  EXPECT_TRUE(std::signbit((*read)[0].samples[9]));
}

TEST(SqliteLog, EveryOutcomeIsStored) {
  TempFolder folder;
  auto log = OpenOrDie(folder.File("log.db"), LogMode::kWrite);
  for (size_t i = 1; i < kOutcomeNames.size(); ++i) {
    std::vector<Record> one = {Failed("w", static_cast<Outcome>(i))};
    ASSERT_TRUE(log->Append(one).ok());
    auto found = log->Query({.outcome = one[0].outcome});
    ASSERT_TRUE(found.ok());
    ASSERT_EQ(found->size(), 1u);
    ExpectSame((*found)[0], one[0]);
  }
}

TEST(SqliteLog, FiltersSelectAndKeepIdOrder) {
  TempFolder folder;
  auto log = OpenOrDie(folder.File("log.db"), LogMode::kWrite);
  std::vector<Record> records = {OkRecord("a", "1", 5),        OkRecord("b", "1", 4),
                                 Failed("a", Outcome::kCrash), OkRecord("a", "2", 3),
                                 OkRecord("a", "3", 2),        OkRecord("a", "4", 1)};
  records[3].space_version = 2;
  records[4].device = "rpi4";
  records[5].unit = "virtual_cycles";
  ASSERT_TRUE(log->Append(records).ok());

  const auto ids = [&](const RecordFilter& filter) {
    std::vector<int64_t> result;
    const auto found = log->Query(filter);
    EXPECT_TRUE(found.ok()) << found.status();
    for (const Record& r : *found) result.push_back(r.id);
    EXPECT_EQ(*log->Count(filter), static_cast<int64_t>(result.size()));
    return result;
  };
  using Ids = std::vector<int64_t>;
  EXPECT_EQ(ids({}), (Ids{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(ids({.workload = "a"}), (Ids{1, 3, 4, 5, 6}));
  EXPECT_EQ(ids({.device = "rpi4"}), (Ids{5}));
  EXPECT_EQ(ids({.unit = "ns"}), (Ids{1, 2, 3, 4, 5}));
  EXPECT_EQ(ids({.space_version = 2}), (Ids{4}));
  EXPECT_EQ(ids({.outcome = Outcome::kOk}), (Ids{1, 2, 4, 5, 6}));
  EXPECT_EQ(ids({.workload = "a",
                 .device = "host",
                 .unit = "ns",
                 .space_version = 1,
                 .outcome = Outcome::kOk}),
            (Ids{1}));
  EXPECT_EQ(ids({.workload = "a' OR '1'='1"}), Ids{});
}

// What a device was is kept once, and tells records of one id apart.
TEST(SqliteLog, OtherHardwareOfADeviceDoesNotMatch) {
  const auto snapshot = [](const std::string& text) {
    return std::make_shared<const std::string>(text);
  };
  TempFolder folder;
  auto log = OpenOrDie(folder.File("log.db"), LogMode::kWrite);
  std::vector<Record> records(4, OkRecord("a", "1", 5));
  records[0].device_snapshot = snapshot(R"({"clock_ghz":1.5,"cores":4,"memory_bytes":7})");
  records[1].device_snapshot = snapshot(R"({"clock_ghz":1.8,"cores":4,"memory_bytes":7})");
  records[2].device_snapshot = snapshot(R"({"clock_ghz":1.5,"cores":4,"memory_bytes":8})");
  ASSERT_TRUE(log->Append(records).ok());
  std::vector<Record> again = {records[0]};
  ASSERT_TRUE(log->Append(again).ok());

  const auto ids = [&](const std::string& wanted) {
    std::vector<int64_t> result;
    const auto found = log->Query({.device_snapshot = wanted});
    EXPECT_TRUE(found.ok()) << found.status();
    for (const Record& r : *found) result.push_back(r.id);
    return result;
  };
  using Ids = std::vector<int64_t>;
  EXPECT_EQ(ids(R"({"clock_ghz":1.5,"cores":4})"), (Ids{1, 3, 4, 5}));
  EXPECT_EQ(ids(R"({"clock_ghz":1.8,"cores":4})"), (Ids{2, 4}));
  EXPECT_EQ(ids(R"({"clock_ghz":1.8,"cores":2})"), (Ids{4}));
  EXPECT_EQ(*log->Count({.device_snapshot = R"({"clock_ghz":1.8})"}), 2);

  const auto devices = log->Devices();
  ASSERT_TRUE(devices.ok()) << devices.status();
  ASSERT_EQ(devices->size(), 4u);
  EXPECT_EQ((*devices)[0].snapshot, nullptr);
  EXPECT_EQ((*devices)[0].records, 1);
  EXPECT_EQ(*(*devices)[1].snapshot, *records[0].device_snapshot);
  EXPECT_EQ((*devices)[1].records, 2);
}

TEST(SqliteLog, ASnapshotThatIsNoObjectIsRefused) {
  TempFolder folder;
  auto log = OpenOrDie(folder.File("log.db"), LogMode::kWrite);
  std::vector<Record> records = {OkRecord("a", "1", 5)};
  records[0].device_snapshot = std::make_shared<const std::string>("[1]");
  EXPECT_EQ(log->Append(records).code(), absl::StatusCode::kInvalidArgument);
}

TEST(SqliteLog, AppendIsAllOrNone) {
  TempFolder folder;
  auto log = OpenOrDie(folder.File("log.db"), LogMode::kWrite);
  std::vector<Record> records = {OkRecord("a", "1", 1), OkRecord("a", "2", 2)};
  records[1].unit = "hours";
  const absl::Status status = log->Append(records);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("record 2 of 2: unit"), absl::string_view::npos) << status;
  EXPECT_EQ(records[0].id, 0);
  EXPECT_EQ(*log->Count({}), 0);

  std::vector<Record> none;
  EXPECT_TRUE(log->Append(none).ok());
  records.pop_back();
  ASSERT_TRUE(log->Append(records).ok());
  EXPECT_EQ(records[0].id, 1);
}

TEST(SqliteLog, ReadingLogsRefuseAppend) {
  TempFolder folder;
  const std::string path = folder.File("log.db");
  OpenOrDie(path, LogMode::kWrite);
  auto log = OpenOrDie(path, LogMode::kRead);
  std::vector<Record> records = {FullRecord()};
  EXPECT_EQ(log->Append(records).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(SqliteLog, ReaderSeesWhatTheWriterAppends) {
  TempFolder folder;
  const std::string path = folder.File("log.db");
  auto writer = OpenOrDie(path, LogMode::kWrite);
  auto reader = OpenOrDie(path, LogMode::kRead);
  for (int i = 1; i <= 3; ++i) {
    std::vector<Record> one = {FullRecord()};
    ASSERT_TRUE(writer->Append(one).ok());
    EXPECT_EQ(*reader->Count({}), i);
  }
  writer.reset();
  EXPECT_EQ(*reader->Count({}), 3);
}

TEST(SqliteLog, AppendFailsOnceTheFileIsGone) {
  TempFolder folder;
  const std::string path = folder.File("log.db");
  auto log = OpenOrDie(path, LogMode::kWrite);
  std::vector<Record> one = {FullRecord()};
  ASSERT_TRUE(log->Append(one).ok());
  std::filesystem::remove(path);
  EXPECT_EQ(log->Append(one).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(SqliteLog, ThreadsMayShareIt) {
  TempFolder folder;
  auto log = OpenOrDie(folder.File("log.db"), LogMode::kWrite);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        std::vector<Record> two = {FullRecord(), FullRecord()};
        EXPECT_TRUE(log->Append(two).ok());
        EXPECT_EQ(two[1].id, two[0].id + 1);
        EXPECT_EQ(*log->Count({}) % 2, 0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(*log->Count({}), 80);
}

}  // namespace
}  // namespace halyard
