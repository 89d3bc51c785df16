// What every strategy promises, checked on each.

#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <set>

#include "tests/unit/tuner/strategies/landscape.h"

namespace halyard {
namespace {

class EveryStrategy : public testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<SearchStrategy> Make(uint64_t seed) const {
    return MakeStrategy(GetParam(), seed);
  }
};

void ExpectFresh(const SearchState& state, const std::vector<Config>& proposed) {
  const ScheduleSpace& space = state.task->space;
  std::set<Config> distinct;
  for (const Config& c : proposed) {
    EXPECT_EQ(space.why_invalid(c), "") << space.ToText(c);
    EXPECT_EQ(state.tried.count(space.index_of(c)), 0u) << space.ToText(c);
    EXPECT_TRUE(distinct.insert(c).second) << space.ToText(c);
  }
}

TEST_P(EveryStrategy, ProposesValidFreshDistinctConfigs) {
  const Task task = LargeTask();
  for (const bool scored : {false, true}) {
    SearchState state;
    state.task = &task;
    if (scored) state.score = PerfectScore(SmoothCost);
    const auto strategy = Make(7);
    EXPECT_EQ(strategy->name(), GetParam());
    for (const int count : {1, 4, 16, 64}) {
      const std::vector<Config> proposed = strategy->Propose(state, count);
      EXPECT_EQ(proposed.size(), static_cast<size_t>(count));
      ExpectFresh(state, proposed);
      Measure(state, proposed, SmoothCost);
    }
    EXPECT_TRUE(strategy->Propose(state, 0).empty());
  }
}

TEST_P(EveryStrategy, ManyFailedTrialsAreNoHindrance) {
  const Task task = LargeTask();
  SearchState state;
  state.task = &task;
  state.score = PerfectScore(SmoothCost);
  for (const Config& c : Make(3)->Propose(state, 30)) {
    state.trials.push_back({c, false, 0});
    state.tried.insert(task.space.index_of(c));
  }
  const std::vector<Config> proposed = Make(3)->Propose(state, 16);
  EXPECT_EQ(proposed.size(), 16u);
  ExpectFresh(state, proposed);
}

TEST_P(EveryStrategy, SameSeedAndStateSameProposalsOnAnyNumberOfThreads) {
  const Task task = LargeTask();
  SearchState state;
  state.task = &task;
  Measure(state, MakeStrategy("random", 1)->Propose(state, 40), RuggedCost);
  state.score = PerfectScore(RuggedCost);
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const std::vector<Config> one = Make(11)->Propose(state, 24);
  omp_set_num_threads(2);
  const std::vector<Config> two = Make(11)->Propose(state, 24);
  omp_set_num_threads(threads);
  EXPECT_EQ(one, two);
  EXPECT_NE(Make(12)->Propose(state, 24), one);
}

TEST_P(EveryStrategy, AResumedSearchProposesWhatTheOldOneWould) {
  const Task task = LargeTask();
  SearchState state;
  state.task = &task;
  state.score = PerfectScore(RuggedCost);
  const auto running = Make(5);
  for (int batch = 0; batch < 3; batch++) {
    const std::vector<Config> proposed = running->Propose(state, 12);
    EXPECT_EQ(Make(5)->Propose(state, 12), proposed);
    Measure(state, proposed, RuggedCost);
  }
}

TEST_P(EveryStrategy, ExhaustsATinySpaceExactly) {
  const Task task = TinyTask(11, 13);
  SearchState state;
  state.task = &task;
  state.score = PerfectScore([](const Config& c) { return 1.0 + c[0] * c[1]; });
  const size_t total = AllValid(task.space).size();
  const auto strategy = Make(2);
  while (state.trials.size() < total) {
    const std::vector<Config> proposed = strategy->Propose(state, 10);
    ASSERT_EQ(proposed.size(), std::min<size_t>(10, total - state.trials.size()));
    ExpectFresh(state, proposed);
    Measure(state, proposed, [](const Config& c) { return 1.0 + c[0] * c[1]; });
  }
  EXPECT_TRUE(strategy->Propose(state, 10).empty());
}

TEST_P(EveryStrategy, ReturnsTheOneValidConfigOfAHugeSpace) {
  static constexpr std::string_view kNames = "abcdefghijkl";
  SpaceDefinition def;
  for (const char& name : kNames) {
    def.knobs.push_back(Knob::Sizes(std::string(1, name), {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  }
  def.why_invalid = [](const ConfigView& v) -> std::string {
    for (const char& name : kNames) {
      if (v[std::string_view(&name, 1)] != 0) return "not the origin";
    }
    return "";
  };
  def.safe.assign(kNames.size(), 0);
  const Task task = TaskOf(std::move(def));
  SearchState state;
  state.task = &task;
  state.score = PerfectScore([](const Config&) { return 1.0; });
  EXPECT_EQ(Make(1)->Propose(state, 8), std::vector<Config>{task.space.safe()});
}

TEST_P(EveryStrategy, FindsTheFewValidConfigsOfASparseSpace) {
  SpaceDefinition def;
  const std::vector<int64_t> sizes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
    def.knobs.push_back(Knob::Sizes(name, sizes));
  }
  // 81 of a million combinations.
  def.why_invalid = [](const ConfigView& v) -> std::string {
    return v["a"] + v["b"] == 0 && std::max({v["c"], v["d"], v["e"], v["f"]}) < 3 ? "" : "outside";
  };
  def.safe.assign(6, 0);
  const Task task = TaskOf(std::move(def));
  SearchState state;
  state.task = &task;
  const auto strategy = Make(1);
  for (int batch = 0; batch < 4; batch++) {
    const std::vector<Config> proposed = strategy->Propose(state, 16);
    EXPECT_EQ(proposed.size(), 16u);
    ExpectFresh(state, proposed);
    Measure(state, proposed, [](const Config& c) { return 1.0 + c[2]; });
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryStrategy, testing::ValuesIn(StrategyNames()),
                         [](const auto& info) { return info.param; });

TEST(MakeStrategy, KnowsItsNamesOnly) {
  for (const std::string& name : StrategyNames()) EXPECT_EQ(MakeStrategy(name, 0)->name(), name);
  EXPECT_EQ(MakeStrategy("hill", 0), nullptr);
  EXPECT_EQ(MakeStrategy("", 0), nullptr);
}

}  // namespace
}  // namespace halyard
