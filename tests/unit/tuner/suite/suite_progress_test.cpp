// What a person sees of a suite: read from 80 columns, and whole at any size.
#include "tuner/suite/suite_progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace halyard {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

SuiteStanding Standing(int members) {
  SuiteStanding s;
  for (int i = 0; i < members; i++) {
    MemberStanding m;
    m.device = i % 2 == 0 ? "rpi4" : "a-device-with-a-long-name";
    m.task = "conv2d 1x56x56x64x64x3x3,stride=2,pad=1,packed=1,act=relu " + std::to_string(i);
    m.weight = 3;
    m.trials = 16 * i;
    if (i > 0) {
      m.best_ms = 1.25;
      m.safe_ms = 2.5;
      m.expected = 0.001 * i;
    }
    s.members.push_back(m);
  }
  return s;
}

TEST(SuiteTable, EveryLineFitsAndEveryRowIsThere) {
  for (const size_t columns : {79, 99, 200}) {
    for (const size_t rows : {5, 10, 22, 60}) {
      for (const int members : {1, 2, 7, 40}) {
        SuiteStanding s = Standing(members);
        s.members[0].phase = "measuring again";
        const std::vector<std::string> lines = SuiteTable(s, rows, columns);
        EXPECT_LE(lines.size(), rows);
        for (const std::string& line : lines) EXPECT_LE(line.size(), columns) << line;
        EXPECT_THAT(lines[3], StartsWith("> rpi4 ")) << "what is worked on comes first";
        const bool all = static_cast<size_t>(members) + 3 <= rows;
        EXPECT_EQ(lines.back().find(" more, ") == std::string::npos, all) << lines.back();
      }
    }
  }
}

TEST(SuiteTable, WhatMayGainMostIsNotWhatIsFinished) {
  SuiteStanding s = Standing(5);
  s.members[4].finished = true;
  const std::vector<std::string> lines = SuiteTable(s, 24, 79);
  ASSERT_EQ(lines.size(), 7u);
  EXPECT_THAT(lines[0], HasSubstr("1/5 finished"));
  EXPECT_THAT(lines[0], HasSubstr("2.00x safe"));
  EXPECT_THAT(lines[2], HasSubstr("  0         -       -       -"))
      << "no time yet may be anything";
  EXPECT_THAT(lines[3], HasSubstr(" 48      1.25   2.00x     0.3"));
  EXPECT_THAT(lines[6], HasSubstr(" 64      1.25   2.00x     0.4"));
}

TEST(SuiteTable, TheBudgetsRestIsTold) {
  SuiteStanding s = Standing(3);
  s.budget.board_seconds = 540;
  s.budget.board_seconds_kept = 60;
  s.budget.board_seconds_used = [] { return 90.0; };
  s.budget.seconds = 1000;
  s.seconds = 40;
  EXPECT_THAT(SuiteLine(s), HasSubstr("1.5/10.0 board-minutes  left 16m00s"));
  s.budget.trials = 100;
  EXPECT_THAT(SuiteLine(s), StartsWith("48/100 trials  "));
  s.members[1].phase = "building 16";
  EXPECT_THAT(SuiteLine(s), HasSubstr("building 16"));
}

}  // namespace
}  // namespace halyard
