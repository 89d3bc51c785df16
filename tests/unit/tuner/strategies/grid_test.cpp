#include <gtest/gtest.h>

#include <set>

#include "tests/unit/tuner/strategies/landscape.h"

namespace halyard {
namespace {

TEST(GridSearch, CoversTheSpaceExactlyOnce) {
  const Task task = TinyTask(40, 37);
  const std::vector<Config> all = AllValid(task.space);
  SearchState state;
  state.task = &task;
  const auto grid = MakeStrategy("grid", 3);
  std::set<Config> seen;
  for (;;) {
    const std::vector<Config> proposed = grid->Propose(state, 17);
    if (proposed.empty()) break;
    for (const Config& c : proposed) EXPECT_TRUE(seen.insert(c).second);
    Measure(state, proposed, [](const Config&) { return 1.0; });
  }
  EXPECT_EQ(seen, std::set<Config>(all.begin(), all.end()));
}

TEST(GridSearch, APrefixSpreadsOverEveryKnob) {
  const Task task = LargeTask();
  SearchState state;
  state.task = &task;
  const std::vector<Config> proposed = MakeStrategy("grid", 3)->Propose(state, 120);
  ASSERT_EQ(proposed.size(), 120u);
  for (size_t k = 0; k < task.space.knobs().size(); k++) {
    std::set<int> used;
    for (const Config& c : proposed) used.insert(c[k]);
    EXPECT_EQ(used.size(), task.space.knobs()[k].values.size()) << task.space.knobs()[k].name;
  }
}

TEST(GridSearch, ProposesAgainWhatWasNotMeasured) {
  const Task task = TinyTask(20, 20);
  SearchState state;
  state.task = &task;
  const auto grid = MakeStrategy("grid", 3);
  const std::vector<Config> lost = grid->Propose(state, 5);
  EXPECT_EQ(grid->Propose(state, 5), lost);
  Measure(state, {lost.begin() + 1, lost.end()}, [](const Config&) { return 1.0; });
  EXPECT_EQ(grid->Propose(state, 1), std::vector<Config>{lost[0]});
}

TEST(GridSearch, OneSearchAfterAnother) {
  const Task first = TinyTask(12, 12), second = TinyTask(9, 16);
  const auto grid = MakeStrategy("grid", 3);
  for (const Task* task : {&first, &second, &first}) {
    SearchState state;
    state.task = task;
    for (int batch = 0; batch < 100 && state.trials.size() < 48; batch++) {
      Measure(state, grid->Propose(state, 8), [](const Config&) { return 1.0; });
    }
    EXPECT_EQ(state.trials.size(), 48u);
    EXPECT_TRUE(grid->Propose(state, 8).empty());
  }
}

}  // namespace
}  // namespace halyard
