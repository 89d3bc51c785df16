#include <gtest/gtest.h>

#include "cost_model/features.h"
#include "tests/unit/tuner/strategies/landscape.h"

namespace halyard {
namespace {

int Distance(const Config& a, const Config& b) {
  int distance = 0;
  for (size_t k = 0; k < a.size(); k++) distance += a[k] != b[k];
  return distance;
}

TEST(SimulatedAnnealing, WithAPerfectScoreBeatsRandomOnARuggedLandscape) {
  const Task task = LargeTask();
  SearchState state;
  state.task = &task;
  const Cost cost = RuggedCost;
  for (const uint64_t seed : {1, 2, 3}) {
    const double random = Search(*MakeStrategy("random", seed), state, cost, 96, 24);
    SearchState scored = state;
    scored.score = PerfectScore(cost);
    const double annealed = Search(*MakeStrategy("sa", seed), scored, cost, 96, 24);
    EXPECT_LT(annealed, 0.75 * random) << "seed " << seed;
  }
}

TEST(SimulatedAnnealing, WithoutAScoreIsRandom) {
  const Task task = LargeTask();
  SearchState state;
  state.task = &task;
  const std::vector<Config> first = MakeStrategy("sa", 4)->Propose(state, 100);
  double mean = 0;
  for (const Config& c : first) mean += SmoothCost(c) / 100;
  EXPECT_GT(mean, 3);
}

TEST(SimulatedAnnealing, ABatchIsNotOneNeighbourhood) {
  const Task task = LargeTask();
  SearchState state;
  state.task = &task;
  Measure(state, MakeStrategy("random", 1)->Propose(state, 40), SmoothCost);
  state.score = PerfectScore(SmoothCost);
  const std::vector<Config> batch = MakeStrategy("sa", 4)->Propose(state, 32);
  int near = 0, pairs = 0;
  for (size_t i = 0; i < batch.size(); i++) {
    for (size_t j = i + 1; j < batch.size(); j++, pairs++)
      near += Distance(batch[i], batch[j]) <= 1;
  }
  EXPECT_LT(near, pairs / 20);
}

TEST(SimulatedAnnealing, AWrongModelStillLeavesNeighboursOfTheBest) {
  const Task task = LargeTask();
  SearchState state;
  state.task = &task;
  Measure(state, MakeStrategy("random", 1)->Propose(state, 60), SmoothCost);
  state.score = PerfectScore([](const Config& c) { return -SmoothCost(c); });
  const Trial* best = &state.trials[0];
  for (const Trial& t : state.trials) {
    if (t.value < best->value) best = &t;
  }
  int neighbours = 0;
  for (const Config& c : MakeStrategy("sa", 4)->Propose(state, 32)) {
    neighbours += Distance(c, best->config) <= 2;
  }
  EXPECT_GE(neighbours, 1);
}

TEST(SimulatedAnnealing, AFirstBatchHoldsWhatWasBestForSimilarTasksAndALaterOneNeedNot) {
  const Task task = LargeTask();
  SearchState state;
  state.task = &task;
  state.score = PerfectScore(SmoothCost);
  std::mt19937_64 rng(1);
  // Nothing that the score would choose.
  while (state.similar.size() < 8) {
    const Config c = *task.space.Random(rng);
    if (SmoothCost(c) > 3) state.similar.push_back(c);
  }
  const auto held = [&](const std::vector<Config>& batch) {
    return std::count_if(batch.begin(), batch.end(), [&](const Config& c) {
      return std::count(state.similar.begin(), state.similar.end(), c) != 0;
    });
  };
  const std::vector<Config> first = MakeStrategy("sa", 4)->Propose(state, 16);
  EXPECT_EQ(held(first), 2);
  EXPECT_EQ(first[0], state.similar[0]);
  Measure(state, first, SmoothCost);
  EXPECT_EQ(held(MakeStrategy("sa", 4)->Propose(state, 16)), 0);
}

// Of configs that are predicted alike, those that the members disagree on promise more.
TEST(SimulatedAnnealing, DoubtsPromiseImprovement) {
  const Task task = LargeTask();
  SearchState state;
  state.task = &task;
  Measure(state, MakeStrategy("random", 1)->Propose(state, 40), SmoothCost);
  // The score does not look at a size that the doubts are about.
  const auto score = PerfectScore([](Config c) {
    c[6] = 0;
    return SmoothCost(c);
  });
  state.score = score;
  const auto doubtful = [](const Config& c) { return c[6] >= 6; };
  const auto share = [&](float spread) {
    state.belief = [&, spread](const std::vector<Config>& configs) {
      const std::vector<float> means = score(configs);
      std::vector<Belief> beliefs;
      for (size_t i = 0; i < configs.size(); i++) {
        beliefs.push_back({means[i], doubtful(configs[i]) ? spread : 0.0f});
      }
      return beliefs;
    };
    const std::vector<Config> batch = MakeStrategy("sa", 4)->Propose(state, 64);
    return std::count_if(batch.begin(), batch.end(), doubtful);
  };
  EXPECT_GT(share(1.0f), share(0.0f) + 10);
}

TEST(SimulatedAnnealing, ScoresTensOfThousandsInOneBatch) {
  const Task task = LargeTask();
  const FeatureExtractor features(task);
  const size_t rows = 512;
  std::mt19937_64 rng(1);
  std::vector<Config> configs;
  Dataset data;
  for (size_t i = 0; i < rows; i++) {
    configs.push_back(*task.space.Random(rng));
    data.labels.push_back(static_cast<float>(1 / SmoothCost(configs.back())));
  }
  data.features = features.Matrix(configs);
  data.group_sizes = {static_cast<unsigned>(rows)};
  const auto model = MakeTreeModel(1);
  ASSERT_TRUE(model->Fit(data).ok());
  std::vector<Config> many;
  while (many.size() < 65536) many.push_back(configs[many.size() % rows]);
  const std::vector<float> scores = model->Predict(features.Matrix(many));
  ASSERT_EQ(scores.size(), many.size());
  for (size_t i = rows; i < scores.size(); i++) ASSERT_EQ(scores[i], scores[i - rows]);
}

}  // namespace
}  // namespace halyard
