#include <gtest/gtest.h>

#include "tests/unit/tuner/strategies/landscape.h"

namespace halyard {
namespace {

TEST(GeneticSearch, ImprovesOverRandomOnASmoothLandscape) {
  const Task task = LargeTask();
  SearchState state;
  state.task = &task;
  for (const uint64_t seed : {1, 2, 3}) {
    const double random = Search(*MakeStrategy("random", seed), state, SmoothCost, 320, 32);
    const double bred = Search(*MakeStrategy("genetic", seed), state, SmoothCost, 320, 32);
    EXPECT_LT(bred, 0.8 * random) << "seed " << seed;
  }
}

TEST(GeneticSearch, BreedsFromTheBestMeasured) {
  const Task task = LargeTask();
  SearchState state;
  state.task = &task;
  Measure(state, MakeStrategy("random", 1)->Propose(state, 200), SmoothCost);
  double before = 0, after = 0;
  for (const Trial& t : state.trials) before += t.value / 200;
  for (const Config& c : MakeStrategy("genetic", 1)->Propose(state, 100)) {
    after += SmoothCost(c) / 100;
  }
  EXPECT_LT(after, 0.8 * before);
}

}  // namespace
}  // namespace halyard
