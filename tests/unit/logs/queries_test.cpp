#include "logs/queries.h"

#include <gtest/gtest.h>

#include "tests/unit/logs/test_log.h"

namespace halyard {
namespace {

class Queries : public testing::Test {
 protected:
  void Append(std::vector<Record> records) { ASSERT_TRUE(log_->Append(records).ok()); }

  std::vector<int64_t> BestIds(const RecordFilter& filter = {}) {
    const auto best = BestRecords(*log_, filter);
    EXPECT_TRUE(best.ok()) << best.status();
    std::vector<int64_t> ids;
    for (const Record& r : *best) ids.push_back(r.id);
    return ids;
  }

  TempFolder folder_;
  std::unique_ptr<MeasurementLog> log_ = OpenOrDie(folder_.File("log.db"), LogMode::kWrite);
};

using Ids = std::vector<int64_t>;

Record Crash(const std::string& workload) {
  Record r = OkRecord(workload, "c", 1);
  r.outcome = Outcome::kCrash;
  r.samples = {0.5};
  return r;
}

Record With(Record record, const std::string& phase, int protocol = 0) {
  record.phase = phase;
  record.protocol = protocol;
  return record;
}

TEST_F(Queries, OtherHardwareOfADeviceIsNotRankedWithIt) {
  const auto of = [](const char* snapshot, double value) {
    Record r = OkRecord("a", "1", value);
    if (snapshot != nullptr) r.device_snapshot = std::make_shared<const std::string>(snapshot);
    return r;
  };
  Append({of(R"({"clock_ghz":1.5,"memory_bytes":7})", 50), of(R"({"clock_ghz":1.8})", 40),
          of(R"({"clock_ghz":1.5,"memory_bytes":8})", 45), of(nullptr, 60)});
  EXPECT_EQ(BestIds(), (Ids{4, 3, 2}));
  // Asked for one hardware: what is known to be other is left out, the rest is one.
  EXPECT_EQ(BestIds({.device_snapshot = R"({"clock_ghz":1.5})"}), (Ids{3}));
  EXPECT_EQ(BestIds({.device_snapshot = R"({"clock_ghz":2.5})"}), (Ids{4}));
  EXPECT_EQ(Stats(*log_)->size(), 3u);
}

TEST_F(Queries, BestIsTheLowestOkValueOfEachKey) {
  Record other_unit = OkRecord("a", "5", 1);
  other_unit.unit = "virtual_cycles";
  Record other_board = OkRecord("a", "6", 1);
  other_board.board_kind = BoardKind::kVirtual;
  Append({OkRecord("b", "1", 9), OkRecord("a", "1", 5), OkRecord("a", "2", 3), Crash("a"),
          OkRecord("a", "3", 3), other_unit, other_board});
  EXPECT_EQ(BestIds(), (Ids{3, 7, 6, 1}));
  EXPECT_EQ(BestIds({.workload = "b"}), (Ids{1}));
  EXPECT_EQ(BestIds({.unit = "virtual_cycles", .outcome = Outcome::kCrash}), (Ids{6}));
  EXPECT_EQ(BestIds({.workload = "none"}), Ids{});
}

TEST_F(Queries, FinalRecordsOutrankScreening) {
  Append({OkRecord("a", "1", 1), With(OkRecord("a", "1", 4), "final"),
          With(OkRecord("a", "2", 3), "final"), OkRecord("a", "3", 2)});
  EXPECT_EQ(BestIds(), (Ids{3}));
}

TEST_F(Queries, WhatWasEverWrongIsNotTheBest) {
  Record wrong = OkRecord("w1", "a", 1);
  wrong.outcome = Outcome::kWrongResult;
  wrong.samples.clear();
  Record older = wrong;
  older.config = "b";
  older.space_version++;
  // A final of it does not help; the same text in another version of the space is another config.
  Append({OkRecord("w1", "a", 1), With(OkRecord("w1", "a", 2), "final"), wrong,
          OkRecord("w1", "b", 5), older, OkRecord("w1", "c", 7)});
  EXPECT_EQ(BestIds(), (Ids{4}));
  EXPECT_EQ(Stats(*log_)->front().best->id, 4);
}

TEST_F(Queries, OnlyTheNewestProtocolCounts) {
  Append({With(OkRecord("a", "1", 1), "final", 1), With(OkRecord("a", "2", 9), "screening", 2)});
  EXPECT_EQ(BestIds(), (Ids{2}));
}

TEST_F(Queries, OutcomesAreCounted) {
  Append({OkRecord("a", "1", 1), Crash("a"), Crash("a"), Crash("b")});
  using Counts = std::map<Outcome, int64_t>;
  EXPECT_EQ(*OutcomeCounts(*log_, {}), (Counts{{Outcome::kOk, 1}, {Outcome::kCrash, 3}}));
  EXPECT_EQ(*OutcomeCounts(*log_, {.workload = "b"}), (Counts{{Outcome::kCrash, 1}}));
  EXPECT_EQ(*OutcomeCounts(*log_, {.outcome = Outcome::kOk}), (Counts{{Outcome::kOk, 1}}));
  EXPECT_EQ(*OutcomeCounts(*log_, {.device = "none"}), Counts{});
}

TEST_F(Queries, StatsSummariseEachTask) {
  std::vector<Record> records = {OkRecord("a", "1", 4), Crash("a"), OkRecord("a", "2", 2),
                                 Crash("b")};
  for (size_t i = 0; i < records.size(); ++i) {
    records[i].time_unix_ms = 100 - static_cast<int>(i);
  }
  Append(records);
  const auto stats = Stats(*log_);
  ASSERT_TRUE(stats.ok()) << stats.status();
  ASSERT_EQ(stats->size(), 2u);
  const TaskStats& a = (*stats)[0];
  EXPECT_EQ(a.key.workload, "a");
  EXPECT_EQ(a.trials, 3);
  EXPECT_EQ(a.ok, 2);
  EXPECT_DOUBLE_EQ(a.ok_share(), 2.0 / 3);
  EXPECT_EQ(a.best->id, 3);
  EXPECT_EQ(a.first_unix_ms, 98);
  EXPECT_EQ(a.last_unix_ms, 100);
  EXPECT_EQ((*stats)[1].ok, 0);
  EXPECT_FALSE((*stats)[1].best.has_value());
}

TEST_F(Queries, AnEmptyLogHasNoAnswers) {
  EXPECT_TRUE(BestIds().empty());
  EXPECT_TRUE(Stats(*log_)->empty());
  EXPECT_TRUE(OutcomeCounts(*log_, {})->empty());
}

}  // namespace
}  // namespace halyard
