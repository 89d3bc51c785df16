#include "tuner/report/board_report.h"

#include <gtest/gtest.h>

#include "targets/board_conditions.h"
#include "tests/unit/tuner/report/logged.h"

namespace halyard {
namespace {

TEST(ConditionsOf, ReadsWhatABoardsTextTells) {
  BoardConditions conditions;
  conditions.governor = "ondemand";
  conditions.clock_mhz = 1500;
  conditions.celsius = 61.2;
  conditions.watts = 3.1;
  conditions.cooling_state = 2;
  const MeasuredConditions read =
      ConditionsOf("Linux 6.1.0, " + ConditionsText(conditions) + ", times 0.8000 of the ruler");
  EXPECT_EQ(read.clock_mhz, 1500);
  EXPECT_EQ(read.celsius, 61.2);
  EXPECT_EQ(read.watts, 3.1);
  EXPECT_EQ(read.ruler, 0.8);
  EXPECT_TRUE(read.throttled);
}

TEST(ConditionsOf, TakesNothingElseForAFigure) {
  for (const char* text : {"", "qemu-aarch64 7.2, cpu cortex-a72", "C, MHz, W", "x C, 3 Wh",
                           "not throttled", "throttled since boot", "times 0 of the ruler",
                           "debugger at gdb:pi:3333, clock DWT CYCCNT at 1.5 GHz"}) {
    EXPECT_FALSE(ConditionsOf(text).any()) << text;
  }
}

class Boards : public testing::Test {
 protected:
  void Add(const std::string& board, Outcome outcome, const std::string& environment,
           double ns = 100) {
    const int64_t time = kEveningMs + 1000 * static_cast<int64_t>(records_.size());
    records_.push_back(outcome == Outcome::kOk ? logged_.Ok(logged_.safe(), ns, time)
                                               : logged_.Failed(outcome, "", time));
    records_.back().board = board;
    records_.back().environment = environment;
  }
  std::vector<BoardReport> Reports(int64_t session_ms = 0) {
    return BoardReports(records_, session_ms);
  }
  const LoggedTask logged_;
  std::vector<Record> records_;
};

TEST_F(Boards, AreSummedUpByName) {
  Add("b", Outcome::kOk, "40.0 C, 1500 MHz", 100);
  Add("a", Outcome::kOk, "");
  Add("b", Outcome::kOk, "61.5 C, 1400 MHz", 104);
  Add("b", Outcome::kBoardLost, "");
  const auto boards = Reports();
  ASSERT_EQ(boards.size(), 2u);
  EXPECT_EQ(boards[0].name, "a");
  const BoardReport& b = boards[1];
  EXPECT_EQ(b.records, 3);
  EXPECT_EQ(b.lost(), 1);
  EXPECT_EQ(b.coolest, 40);
  EXPECT_EQ(b.hottest, 61.5);
  EXPECT_EQ(b.last_mhz, 1400);
  EXPECT_EQ(b.repeated, 1);
  EXPECT_NEAR(*b.repeatability, 0.04, 1e-12);
  EXPECT_EQ(boards[0].repeatability, std::nullopt);
}

TEST_F(Boards, AreJudgedByTheWorstOfTheSession) {
  for (int i = 0; i < 100; ++i) {
    Add("drifts", Outcome::kOk, "times 0.8696 of the ruler");
    Add("good", Outcome::kOk, "times 0.9901 of the ruler");
    Add("loses", i % 20 == 0 ? Outcome::kInfraError : Outcome::kOk, "");
    Add("shakes", i % 4 == 0 ? Outcome::kUnstable : Outcome::kOk, "");
  }
  const auto boards = Reports();
  EXPECT_EQ(boards[0].health, BoardHealth::kBad);
  EXPECT_EQ(boards[0].health_text, "15.0 % slower than its device's ruler");
  EXPECT_EQ(boards[1].health, BoardHealth::kGood);
  EXPECT_NEAR(*boards[1].drift, 0.01, 1e-4);
  EXPECT_EQ(boards[2].health, BoardHealth::kWatch);
  EXPECT_EQ(boards[2].health_text, "lost 5 of 100 runs");
  EXPECT_EQ(boards[3].health, BoardHealth::kBad);
  EXPECT_EQ(boards[3].health_text, "25 of 100 timings were unstable");
  for (const BoardReport& idle : Reports(kEveningMs + kHourMs)) {
    EXPECT_EQ(idle.health, BoardHealth::kIdle);
  }
}

TEST_F(Boards, ManyRecordsBecomeFewPointsThatKeepTheExtremes) {
  for (int i = 0; i < 5000; ++i) {
    Add("a", i == 777 ? Outcome::kBoardLost : Outcome::kOk, i == 1234 ? "91.0 C" : "50.0 C");
  }
  const BoardReport board = Reports()[0];
  EXPECT_LE(board.points.size(), 1200u);
  EXPECT_GE(board.points.size(), 600u);
  int64_t records = 0, lost = 0;
  double hottest = 0;
  for (const BoardPoint& p : board.points) {
    records += p.records;
    lost += p.lost;
    hottest = std::max(hottest, *p.celsius);
  }
  EXPECT_EQ(records, 5000);
  EXPECT_EQ(lost, 1);
  EXPECT_EQ(hottest, 91);
}

}  // namespace
}  // namespace halyard
