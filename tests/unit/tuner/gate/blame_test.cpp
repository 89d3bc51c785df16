// A table of evidence and what it puts the blame on.
#include "tuner/gate/blame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace halyard {
namespace {

using testing::HasSubstr;

constexpr RatioInterval kSlower{1.20, 1.15, 1.25}, kEqual{1.0, 0.98, 1.02}, kNoisy{1.1, 0.9, 1.35},
    kFaster{0.8, 0.75, 0.85};

struct Case {
  const char* name;
  BlameEvidence evidence;
  std::vector<Blame> causes;
};

// The fields in order: new to record, new to predecessor, predecessor to record, drift, same code,
// predecessor gone, compiler's change, board's change.
const Case kCases[] = {
    {"nothing was measured", {}, {}},
    {"it got faster", {kFaster, kFaster, kEqual}, {}},
    {"it is as it was", {kEqual, kEqual, kEqual}, {}},
    {"worse by the mean alone", {kNoisy, kEqual, kNoisy}, {Blame::kNoise}},
    {"the search chose a slower one", {kSlower, kSlower, kEqual, {}, true}, {Blame::kSpace}},
    {"so does one beside a predecessor that got faster",
     {kSlower, RatioInterval{1.5, 1.4, 1.6}, kFaster},
     {Blame::kSpace}},
    {"the same bytes are slower", {kSlower, kEqual, kSlower, {}, true}, {Blame::kBoard}},
    {"the same bytes, whatever the compiler calls itself",
     {kSlower, kEqual, kSlower, kSlower, true, false, "A, now B"},
     {Blame::kBoard}},
    {"other bytes of one config on a board that is as it was",
     {kSlower, {}, kSlower, kEqual, false, false, "A, now B"},
     {Blame::kCompiler}},
    {"other bytes, and nothing tells of the board",
     {kSlower, {}, kSlower, {}, false, false, "A, now B"},
     {Blame::kCompiler}},
    {"other bytes, another board, and nothing tells them apart",
     {kSlower, {}, kSlower, {}, false, false, "A, now B", "b1, now b2"},
     {Blame::kCompiler, Blame::kBoard}},
    {"other bytes, and unchanged ones are as much slower",
     {kSlower, {}, kSlower, kSlower, false, false, "A, now B"},
     {Blame::kBoard}},
    {"other bytes are slower still than unchanged ones",
     {RatioInterval{1.5, 1.45, 1.55}, {}, RatioInterval{1.5, 1.45, 1.55}, kSlower},
     {Blame::kCompiler, Blame::kBoard}},
    {"compiler and search both, the larger first",
     {RatioInterval{1.8, 1.7, 1.9}, RatioInterval{1.5, 1.4, 1.6}, kSlower, kEqual},
     {Blame::kSpace, Blame::kCompiler}},
    {"the space is another, the board as it was",
     {kSlower, {}, {}, kEqual, false, true},
     {Blame::kSpace}},
    {"the space is another, and all of it is the board",
     {kSlower, {}, {}, kSlower, false, true},
     {Blame::kBoard}},
    {"two parts, neither beyond the noise by itself",
     {RatioInterval{1.1, 1.05, 1.15},
      RatioInterval{1.06, 0.99, 1.13},
      RatioInterval{1.04, 0.98, 1.1},
      {},
      true},
     {Blame::kSpace}},
    {"the larger of them the board's",
     {RatioInterval{1.1, 1.05, 1.15},
      RatioInterval{1.02, 0.98, 1.06},
      RatioInterval{1.08, 1.0, 1.16},
      {},
      true},
     {Blame::kBoard}},
};

TEST(BlameTest, TheTable) {
  for (const Case& c : kCases) {
    const BlameVerdict blame = FindBlame(c.evidence);
    EXPECT_EQ(blame.causes, c.causes) << c.name << ": " << blame.text;
    EXPECT_EQ(blame.text.empty(), c.causes.empty()) << c.name;
    EXPECT_EQ(blame.text.find('\n'), std::string::npos) << c.name;
  }
}

TEST(BlameTest, TheTextSaysWhatChanged) {
  BlameEvidence e{kSlower, {}, kSlower, kEqual, false, false, "clang 14, now clang 15"};
  EXPECT_THAT(FindBlame(e).text, HasSubstr("+20.0 % (clang 14, now clang 15)"));
  e.same_code = true;
  e.board_change = "governor performance, now governor ondemand";
  EXPECT_THAT(FindBlame(e).text, HasSubstr("(governor performance, now governor ondemand)"));
}

TEST(BlameTest, ARecordsOwnNoiseWidensItsRatio) {
  const std::vector<double> samples = {98, 99, 100, 101, 102};
  const RatioInterval sure = RatioToRecord(samples, 100, 1000, false),
                      unsure = RatioToRecord(samples, 100, 1, false);
  EXPECT_DOUBLE_EQ(sure.mean, 1);
  EXPECT_DOUBLE_EQ(unsure.mean, 1);
  EXPECT_LT(sure.high, unsure.high);
  EXPECT_GT(sure.low, unsure.low);
  // Five samples and one: six times the variance of a mean of five.
  EXPECT_NEAR(std::log(unsure.high) / std::log(sure.high), std::sqrt(6.0), 0.01);
  const RatioInterval exact = RatioToRecord({150}, 100, 1, true);
  EXPECT_EQ(exact.low, 1.5);
  EXPECT_EQ(exact.high, 1.5);
}

TEST(BlameTest, ABoardIsAnotherByWhatLasts) {
  const std::string then = "Linux 6.1, governor performance, 1500 MHz, 61.2 C, 3.1 W";
  EXPECT_EQ(BoardChange("pi", then, "pi", "Linux 6.1, governor performance, 1480 MHz, 70.0 C"), "");
  EXPECT_EQ(BoardChange("pi", then, "pi", "Linux 6.1, governor ondemand, 600 MHz"),
            "Linux 6.1, governor performance, now Linux 6.1, governor ondemand");
  EXPECT_EQ(BoardChange("pi", then, "pi-2", then), "board pi, now pi-2");
  EXPECT_EQ(ChangeText("", "gcc"), "not known, now gcc");
}

}  // namespace
}  // namespace halyard
