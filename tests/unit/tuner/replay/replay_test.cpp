#include "tuner/replay/replay.h"

#include <cmath>

#include "tests/unit/logs/recorded_tasks.h"
#include "tests/unit/logs/test_log.h"

namespace halyard {
namespace {

// A small space.
RecordedTask OtherTask() {
  const RecordedSpace space = SyntheticSpace("softmax:64x77:f32", {{"form", {"store", "online"}},
                                                                   {"vec", {"4", "8"}},
                                                                   {"unroll", {"1"}},
                                                                   {"block", {"1", "4"}},
                                                                   {"partials", {"1", "2", "4"}},
                                                                   {"grain", {"1", "4", "16"}}});
  return BindRecordedSpace(space, "other.space").value();
}

TEST(Replay, EveryStrategyComesNearTheBest) {
  const RecordedTask recorded = SyntheticTask();
  for (const std::string& strategy : ReplayStrategies()) {
    const Curve curve = ReplaySearch(recorded, strategy, 1, 200);
    ASSERT_EQ(curve.size(), 200u);
    EXPECT_EQ(curve[0], 4000) << "the safe config is measured first";
    for (size_t i = 1; i < curve.size(); i++) EXPECT_LE(curve[i], curve[i - 1]);
    EXPECT_GE(curve.back(), recorded.best);
    EXPECT_LT(curve.back(), 1.2 * recorded.best) << strategy;
  }
}

TEST(Replay, ASearchOfTheWholeSpaceEndsAtTheBest) {
  const RecordedTask recorded = OtherTask();
  const auto all = static_cast<int>(recorded.valid.size());
  ASSERT_LT(all, 200) << "a search without improvement would stop early";
  for (const std::string& strategy : ReplayStrategies()) {
    const Curve curve = ReplaySearch(recorded, strategy, 1, all + 100);
    EXPECT_EQ(curve.size(), static_cast<size_t>(all + 100));
    EXPECT_EQ(curve[static_cast<size_t>(all) - 1], recorded.best) << strategy;
    EXPECT_EQ(curve.back(), recorded.best);
  }
}

TEST(Replay, TheSameOnAnyNumberOfThreadsAndInEveryRun) {
  const std::vector<RecordedTask> spaces = {SyntheticTask(), OtherTask()};
  ReplayOptions options;
  options.strategies = ReplayStrategies();
  options.seeds = 2;
  options.trials = 80;
  const auto one = ReplayAll(spaces, options, 1);
  ASSERT_EQ(one.size(), 2u);
  ASSERT_EQ(one[0].size(), options.strategies.size());
  ASSERT_EQ(one[0][0].size(), 2u);
  EXPECT_EQ(ReplayAll(spaces, options, 3), one);
  for (size_t s = 0; s < options.strategies.size(); s++) {
    EXPECT_EQ(ReplaySearch(spaces[1], options.strategies[s], 2, 80), one[1][s][1]);
    EXPECT_NE(one[0][s][0], one[0][s][1]) << options.strategies[s] << ": seeds differ";
  }
}

TEST(Replay, FailuresHaveNoValue) {
  RecordedSpace space = SyntheticSpace();
  for (size_t i = 0; i + 1 < space.results.size(); i++) space.results[i] = {Outcome::kCrash, 0};
  space.results.back() = {Outcome::kOk, 5};
  const RecordedTask recorded = BindRecordedSpace(space, "a.space").value();
  const Curve curve = ReplaySearch(recorded, "random", 1, 4);
  EXPECT_TRUE(std::isinf(curve[0]));
}

}  // namespace
}  // namespace halyard
