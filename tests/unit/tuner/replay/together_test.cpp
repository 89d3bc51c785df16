// One budget dealt to several recorded tasks.

#include "tuner/replay/together.h"

#include <numeric>
#include <sstream>

#include "tests/unit/logs/recorded_tasks.h"
#include "tests/unit/logs/test_log.h"

namespace halyard {
namespace {

RecordedTask Bound(RecordedSpace space, const std::string& name) {
  return BindRecordedSpace(space, name + ".space").value();
}

// The same landscape at two sizes, and one of which no config but the best ever runs.
std::vector<RecordedTask> Spaces() {
  const std::vector<KnobSubset> kept = {{"unroll", {"1", "4"}}, {"grain", {"1", "4", "16"}}};
  RecordedSpace failing = SyntheticSpace("softmax:64x77:f32", kept);
  for (size_t i = 0; i + 1 < failing.results.size(); i++) failing.results[i] = {Outcome::kCrash, 0};
  failing.results.back() = {Outcome::kOk, 5};
  return {SyntheticTask(), Bound(SyntheticSpace("softmax:128x90:f32", kept), "b"),
          Bound(failing, "c")};
}

TogetherOptions Options() {
  TogetherOptions options;
  options.strategy = "random";
  options.seeds = 4;
  options.trials = 64;
  options.weights = {40, 1, 1};
  return options;
}

TEST(Together, DealsTheWholeBudgetAndHeavyTasksGetMore) {
  const TogetherReport r = ReplayTogether(Spaces(), Options(), 1);
  ASSERT_EQ(r.figures.size(), 3u);
  for (const TogetherFigures& f : r.figures) {
    EXPECT_EQ(f.above.size(), 3u);  // after 16, 32 and 64 trials a task
    EXPECT_EQ(f.dealt.median, 3 * 64) << DealingName(f.dealing);
    for (size_t b = 1; b < f.above.size(); b++) {
      EXPECT_LE(f.above[b].median, f.above[b - 1].median) << DealingName(f.dealing);
    }
  }
  const std::vector<int>& by_worth = r.figures[0].trials;
  EXPECT_GT(by_worth[0], 2 * by_worth[1]);
  EXPECT_GE(by_worth[1], 16);
  // Rarely ok: it neither starves nor has more than its share.
  EXPECT_GE(by_worth[2], 16);
  EXPECT_LE(by_worth[2], 64);
  EXPECT_EQ(r.figures[2].trials, (std::vector<int>{65, 65, 62})) << "sequential";
}

TEST(Together, TasksNotBegunCountTheirSafeConfig) {
  TogetherOptions options = Options();
  options.trials = 16;
  options.weights = {1, 1, 1};
  const TogetherReport r = ReplayTogether(Spaces(), options, 1);
  const double best = std::accumulate(r.best_ms.begin(), r.best_ms.end(), 0.0);
  const double safe = std::accumulate(r.safe_ms.begin(), r.safe_ms.end(), 0.0);
  for (const TogetherFigures& f : r.figures) EXPECT_LT(f.above[0].high, safe / best - 1);
  EXPECT_DOUBLE_EQ(r.safe_ms[0], 4000e-6);
}

TEST(Together, WhatExpectsLittleIsFinishedAndItsTrialsSaved) {
  TogetherOptions options = Options();
  options.trials = 100'000;
  options.stop_gain = 0.02;
  options.seeds = 1;
  std::vector<RecordedTask> spaces = Spaces();
  spaces.pop_back();
  options.weights.pop_back();
  const TogetherReport r = ReplayTogether(spaces, options, 1);
  for (const TogetherFigures& f : r.figures) {
    EXPECT_LT(f.dealt.median, 1000) << DealingName(f.dealing);
    // All dealings end with the same searches, each where too little is expected of it.
    EXPECT_EQ(f.trials, r.figures[0].trials);
  }
}

TEST(Together, TheSameOnAnyNumberOfThreads) {
  EXPECT_EQ(TogetherJson(ReplayTogether(Spaces(), Options(), 3)),
            TogetherJson(ReplayTogether(Spaces(), Options(), 1)));
}

TEST(Together, TablesFitAHundredColumns) {
  TogetherReport r = ReplayTogether(Spaces(), Options(), 2);
  for (TogetherFigures& f : r.figures) f.above.assign(5, {1.999, 23.45, 9.999});
  std::istringstream lines(TogetherText(r));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
}

}  // namespace
}  // namespace halyard
