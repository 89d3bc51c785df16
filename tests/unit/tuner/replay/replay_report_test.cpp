#include "tuner/replay/replay_report.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "tests/unit/logs/recorded_tasks.h"
#include "tests/unit/logs/test_log.h"

namespace halyard {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

TEST(ReplayReport, QuartilesAreObservedValues) {
  const auto expect = [](std::vector<double> values, double low, double median, double high) {
    const Quartiles q = QuartilesOf(std::move(values));
    EXPECT_EQ(q.low, low);
    EXPECT_EQ(q.median, median);
    EXPECT_EQ(q.high, high);
  };
  expect({7}, 7, 7, 7);
  expect({4, 1, 3, 2}, 1, 2, 3);
  expect({5, 4, 3, 2, 1}, 2, 3, 4);
  expect({kNever, 1, kNever, 2}, 1, 2, kNever);
}

TEST(ReplayReport, ReachAndRegretOfACurve) {
  const Curve curve = {kNever, 200, 110, 105, 105, 100};
  EXPECT_EQ(TrialsToReach(curve, 100, 0.90), 3);
  EXPECT_EQ(TrialsToReach(curve, 100, 0.95), 4);  // 105 <= 100 / 0.95
  EXPECT_EQ(TrialsToReach(curve, 100, 0.99), 6);
  EXPECT_EQ(TrialsToReach(curve, 50, 0.99), kNever);
  EXPECT_EQ(RegretAfter(curve, 100, 1), kNever);
  EXPECT_DOUBLE_EQ(RegretAfter(curve, 100, 2), 1.0);
  EXPECT_DOUBLE_EQ(RegretAfter(curve, 100, 6), 0.0);
}

ReplayReport MadeUp() {
  const RecordedTask recorded = SyntheticTask();
  const double best = recorded.best;
  ReplayOptions options;
  options.strategies = {"sa", "random"};
  options.seeds = 2;
  options.trials = 32;
  Curve quick(32, best), slow(32, 2 * best), never(32, kNever);
  quick[0] = slow[0] = kNever;
  return Report({recorded, recorded}, options,
                {{{quick, quick}, {slow, never}}, {{slow, slow}, {slow, slow}}});
}

TEST(ReplayReport, FiguresAreOfSpacesAndTheirMedian) {
  const ReplayReport r = MadeUp();
  ASSERT_EQ(r.spaces.size(), 2u);
  EXPECT_EQ(r.spaces[0].workload, "softmax:512x300:f32");
  EXPECT_LT(r.spaces[0].ok, r.spaces[0].configs);
  EXPECT_GE(r.spaces[0].near, 1u);
  EXPECT_EQ(r.spaces[0].strategies[0].reach[2].median, 2);
  EXPECT_EQ(r.spaces[1].strategies[0].reach[0].median, kNever);
  EXPECT_EQ(r.spaces[0].strategies[0].regret.size(), 2u);  // after 16 and 32 of 32 trials
  EXPECT_DOUBLE_EQ(r.spaces[0].strategies[1].regret[0].low, 1.0);
  EXPECT_EQ(r.spaces[0].strategies[1].regret[0].high, kNever);
  EXPECT_EQ(r.summary[0].reach[0].median, 2);
  EXPECT_EQ(r.summary[0].reach[0].high, kNever);
  EXPECT_DOUBLE_EQ(r.summary[1].regret[1].median, 1.0);
}

TEST(ReplayReport, TablesFitAHundredColumns) {
  ReplayReport r = MadeUp();
  r.options.trials = 99999;
  for (SpaceFigures& s : r.spaces) {
    for (StrategyFigures& f : s.strategies) {
      f.strategy = "classic";
      f.regret.assign(5, {1.999, 23.45, 99.9});
      for (Quartiles& q : f.reach) q = {kNever, kNever, kNever};
    }
  }
  const std::string text = ReportText(r);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
  EXPECT_NE(text.find(">99999"), std::string::npos);
  EXPECT_NE(text.find("median over 2 spaces"), std::string::npos);
}

TEST(ReplayReport, JsonHasNullWhereSomethingNeverHappened) {
  const nlohmann::json j = ReportJson(MadeUp());
  EXPECT_EQ(j["seeds"], 2);
  EXPECT_EQ(j["trials"], 32);
  const auto& sa = j["spaces"][0]["strategies"][0];
  EXPECT_EQ(sa["strategy"], "sa");
  EXPECT_EQ(sa["trials_to_reach"]["0.95"]["median"], 2);
  EXPECT_EQ(sa["regret_after"]["16"]["median"], 0);
  EXPECT_TRUE(j["spaces"][1]["strategies"][0]["trials_to_reach"]["0.95"]["median"].is_null());
  EXPECT_EQ(j["summary"].size(), 2u);
}

}  // namespace
}  // namespace halyard
