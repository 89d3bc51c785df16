// The classic strategy keeps a strategy's promises, and its model learns.

#include "tuner/replay/classic.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <set>

#include "cost_model/ranking_metrics.h"
#include "tests/unit/tuner/strategies/landscape.h"

namespace halyard {
namespace {

SearchState Measured(const Task& task, int trials) {
  SearchState state;
  state.task = &task;
  Measure(state, MakeStrategy("random", 1)->Propose(state, trials), SmoothCost);
  return state;
}

TEST(ClassicSearch, ProposesValidFreshDistinctConfigs) {
  const Task task = LargeTask();
  for (const bool scored : {false, true}) {
    SearchState state = Measured(task, 40);
    if (scored) state.score = PerfectScore(SmoothCost);
    const std::vector<Config> proposed = MakeClassicSearch(7)->Propose(state, 64);
    EXPECT_EQ(proposed.size(), 64u);
    std::set<Config> distinct(proposed.begin(), proposed.end());
    EXPECT_EQ(distinct.size(), 64u);
    for (const Config& c : proposed) {
      EXPECT_TRUE(task.space.valid(c));
      EXPECT_EQ(state.tried.count(task.space.index_of(c)), 0u);
    }
  }
  EXPECT_EQ(MakeClassicSearch(7)->batch_size(), 64);
}

TEST(ClassicSearch, FollowsTheScoreExceptForOneInTwenty) {
  const Task task = LargeTask();
  SearchState state = Measured(task, 40);
  state.score = PerfectScore(SmoothCost);
  double good = 0;
  for (const Config& c : MakeClassicSearch(7)->Propose(state, 64)) {
    good += SmoothCost(c) < 1.5 ? 1 : 0;
  }
  // lround(0.05 * 64) of 64 are drawn at random.
  EXPECT_GE(good, 61);
}

TEST(ClassicSearch, ExhaustsATinySpaceExactly) {
  const Task task = TinyTask(11, 13);
  SearchState state;
  state.task = &task;
  state.score = PerfectScore([](const Config& c) { return 1.0 + c[0]; });
  const size_t total = AllValid(task.space).size();
  while (state.trials.size() < total) {
    const auto proposed = MakeClassicSearch(1)->Propose(state, 10);
    ASSERT_EQ(proposed.size(), std::min<size_t>(10, total - state.trials.size()));
    Measure(state, proposed, [](const Config&) { return 1.0; });
  }
  EXPECT_TRUE(MakeClassicSearch(1)->Propose(state, 10).empty());
}

TEST(ClassicSearch, SameSeedAndStateSameProposals) {
  const Task task = LargeTask();
  SearchState state = Measured(task, 40);
  state.score = PerfectScore(RuggedCost);
  EXPECT_EQ(MakeClassicSearch(3)->Propose(state, 24), MakeClassicSearch(3)->Propose(state, 24));
  EXPECT_NE(MakeClassicSearch(3)->Propose(state, 24), MakeClassicSearch(4)->Propose(state, 24));
}

TEST(ClassicGuide, RanksUnseenConfigsAndTheSameOnAnyNumberOfThreads) {
  const Task task = LargeTask();
  SearchState state = Measured(task, 128);
  std::mt19937_64 rng(9);
  std::vector<Config> unseen;
  std::vector<float> throughput;
  for (int i = 0; i < 300; i++) {
    unseen.push_back(*task.space.Random(rng));
    throughput.push_back(static_cast<float>(1 / SmoothCost(unseen.back())));
  }
  const auto scores = [&](int threads) {
    omp_set_num_threads(threads);
    const auto guide = MakeClassicGuide(task, 5);
    EXPECT_EQ(guide->score(), nullptr);
    guide->Learn(state.trials, 0);
    return guide->score()(unseen);
  };
  const std::vector<float> one = scores(1);
  EXPECT_GT(SpearmanCorrelation(one, throughput), 0.6);
  EXPECT_EQ(scores(2), one);
}

TEST(ClassicGuide, IsJudgedOnTheBatchItHadNotSeen) {
  const Task task = LargeTask();
  SearchState state = Measured(task, 128);
  const auto guide = MakeClassicGuide(task, 5);
  guide->Learn({state.trials.begin(), state.trials.begin() + 64}, 0);
  EXPECT_FALSE(guide->correlation().has_value());
  guide->Learn(state.trials, 64);
  ASSERT_TRUE(guide->correlation().has_value());
  EXPECT_GT(*guide->correlation(), 0.4);
}

}  // namespace
}  // namespace halyard
