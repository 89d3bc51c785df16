// The loop that searches and replays share.

#include "tuner/search_core.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/tuner/strategies/landscape.h"

namespace halyard {
namespace {

std::string Never() { return ""; }

// Runs on a known cost; what was measured, batch by batch.
std::vector<std::vector<Config>> RunOn(SearchCore& core, const Cost& cost,
                                       std::string* why = nullptr,
                                       const SearchCore::WhyStop& why_stop = Never) {
  std::vector<std::vector<Config>> batches;
  const auto stopped = core.Run(why_stop, [&](const std::vector<Config>& configs) {
    batches.push_back(configs);
    for (const Config& c : configs) core.Add(c, true, cost(c));
    return absl::OkStatus();
  });
  EXPECT_TRUE(stopped.ok()) << stopped.status();
  if (why != nullptr && stopped.ok()) *why = *stopped;
  return batches;
}

TEST(SearchCore, MeasuresTheSafeConfigFirstAndStopsAtTheBudget) {
  const Task task = LargeTask();
  const auto core = MakeSearchCore(task, "random", 1, {50});
  std::string why;
  const auto batches = RunOn(*core, SmoothCost, &why);
  EXPECT_EQ(why, "trial budget used");
  EXPECT_EQ(core->trials().size(), 50u);
  EXPECT_EQ(batches[0][0], task.space.safe());
  std::set<Config> distinct;
  for (const Trial& t : core->trials()) distinct.insert(t.config);
  EXPECT_EQ(distinct.size(), 50u);
  EXPECT_EQ(MakeSearchCore(task, "random", 1, {1})->best(), nullptr);
}

TEST(SearchCore, StopsWhenTooLittleIsExpectedOrNothingIsLeft) {
  const Task task = LargeTask();
  std::string why;
  const auto flat = MakeSearchCore(task, "random", 1, {1000, 0.003});
  RunOn(
      *flat, [](const Config&) { return 1.0; }, &why);
  EXPECT_EQ(why, kTooLittleExpected);
  EXPECT_LT(ForecastGain(flat->trials(), kForecastTrials).gain, 0.003);
  // It stopped with the first batch after which so little was expected.
  const auto before = std::span(flat->trials()).first(flat->trials().size() - 16);
  EXPECT_GE(ForecastGain(before, kForecastTrials).gain, 0.003);

  const auto told_never = MakeSearchCore(task, "random", 1, {600, 0});
  RunOn(
      *told_never, [](const Config&) { return 1.0; }, &why);
  EXPECT_EQ(why, kTrialBudgetUsed);

  const Task tiny = TinyTask(9, 9);
  const auto whole = MakeSearchCore(tiny, "grid", 1, {100'000});
  RunOn(
      *whole, [](const Config& c) { return 1.0 + c[0]; }, &why);
  EXPECT_EQ(why, kSpaceUsedUp);
  EXPECT_EQ(whole->trials().size(), AllValid(tiny.space).size());

  const auto told = MakeSearchCore(task, "random", 1, {1000});
  int asked = 0;
  RunOn(*told, SmoothCost, &why, [&] { return ++asked > 3 ? "interrupted" : ""; });
  EXPECT_EQ(why, "interrupted");
  EXPECT_GE(told->trials().size(), 48u);
}

TEST(SearchCore, StopsWhereNothingEverWasOk) {
  const Task task = LargeTask();
  const auto core = MakeSearchCore(task, "random", 1, {100'000, 0.003});
  const auto why = core->Run(Never, [&](const std::vector<Config>& configs) {
    for (const Config& c : configs) core->Add(c, false, 0);
    return absl::OkStatus();
  });
  EXPECT_EQ(*why, "no valid schedule");
  EXPECT_GE(core->trials().size(), static_cast<size_t>(kFruitlessTrials));
  EXPECT_LT(core->trials().size(), static_cast<size_t>(kFruitlessTrials) + 16);
}

TEST(SearchCore, SteppedItMeasuresWhatItWouldInOneRun) {
  const Task task = LargeTask();
  for (const std::string& strategy : StrategyNames()) {
    const auto whole = MakeSearchCore(task, strategy, 3, {80});
    RunOn(*whole, RuggedCost);
    const auto stepped = MakeSearchCore(task, strategy, 3, {80});
    const auto measure = [&](const std::vector<Config>& configs) {
      for (const Config& c : configs) stepped->Add(c, true, RuggedCost(c));
      return absl::OkStatus();
    };
    std::vector<size_t> after;
    std::string why;
    while ((why = *stepped->Step(Never, measure)).empty()) {
      after.push_back(stepped->trials().size());
    }
    EXPECT_EQ(why, kTrialBudgetUsed);
    // The safe config comes on top of the first batch.
    EXPECT_EQ(after, (std::vector<size_t>{17, 33, 49, 65, 80})) << strategy;
    for (size_t i = 0; i < whole->trials().size(); i++) {
      EXPECT_EQ(stepped->trials()[i].config, whole->trials()[i].config) << strategy << i;
    }
  }
}

TEST(SearchCore, AStepMeasuresNoMoreThanAsked) {
  const Task task = LargeTask();
  const auto core = MakeSearchCore(task, "random", 1, {50});
  const auto measure = [&](const std::vector<Config>& configs) {
    for (const Config& c : configs) core->Add(c, true, SmoothCost(c));
    return absl::OkStatus();
  };
  EXPECT_EQ(*core->Step(Never, measure, 3), "");
  EXPECT_EQ(core->trials().size(), 3u);
  EXPECT_EQ(core->trials()[0].config, task.space.safe());
  EXPECT_EQ(*core->Step(Never, measure, 5), "");
  EXPECT_EQ(core->trials().size(), 8u);
  EXPECT_EQ(*core->Step([] { return "told to"; }, measure, 5), "told to");
  EXPECT_EQ(core->trials().size(), 8u);
}

TEST(SearchCore, AMeasurementCanBeRefined) {
  const Task task = LargeTask();
  const auto core = MakeSearchCore(task, "random", 1, {16});
  RunOn(*core, SmoothCost);
  const Trial first = *core->best();
  core->Refine(first.config, true, 100 * first.value);
  ASSERT_EQ(core->trials().size(), 16u);
  EXPECT_NE(core->best()->config, first.config);
  const Config second = core->best()->config;
  core->Refine(second, false, 0);
  EXPECT_NE(core->best()->config, second);
  core->Refine(first.config, true, 0.5 * first.value);
  EXPECT_EQ(core->best()->config, first.config);
}

TEST(SearchCore, AnErrorOfAMeasurementEndsIt) {
  const Task task = LargeTask();
  const auto core = MakeSearchCore(task, "random", 1, {100});
  const auto stopped = core->Run(
      Never, [](const std::vector<Config>&) { return absl::UnavailableError("no board"); });
  EXPECT_EQ(stopped.status().message(), "no board");
}

TEST(SearchCore, AResumedSearchGoesOnAsTheUninterruptedOneWould) {
  const Task task = LargeTask();
  for (const std::string& strategy : StrategyNames()) {
    const auto whole = MakeSearchCore(task, strategy, 3, {97});
    RunOn(*whole, RuggedCost);
    // A batch after the first 49 trials: the first has the safe config on top.
    const auto resumed = MakeSearchCore(task, strategy, 3, {97});
    for (size_t i = 0; i < 49; i++) {
      const Trial& t = whole->trials()[i];
      EXPECT_TRUE(resumed->Resume(t.config, t.ok, t.value));
      EXPECT_FALSE(resumed->Resume(t.config, t.ok, t.value));
    }
    RunOn(*resumed, RuggedCost);
    ASSERT_EQ(resumed->trials().size(), whole->trials().size());
    size_t same = 0;
    for (size_t i = 0; i < whole->trials().size(); i++) {
      same += resumed->trials()[i].config == whole->trials()[i].config ? 1 : 0;
    }
    // A model is judged on the batch it proposed, which a resumed search's has not seen; until it
    // is mistrusted, proposals are the same.
    EXPECT_GE(same, 65u) << strategy;
  }
}

TEST(SearchCore, OnlyStrategiesThatUseAScoreTrainAModel) {
  const Task task = LargeTask();
  for (const std::string& strategy : StrategyNames()) {
    const auto core = MakeSearchCore(task, strategy, 1, {64});
    RunOn(*core, SmoothCost);
    EXPECT_EQ(core->correlation().has_value(), strategy == "sa") << strategy;
  }
}

// Counts what it is told and scores nothing.
class CountingGuide final : public SearchGuide {
 public:
  explicit CountingGuide(std::vector<size_t>& first_new) : first_new_(first_new) {}
  void Learn(const std::vector<Trial>&, size_t first_new) override {
    first_new_.push_back(first_new);
  }
  std::function<std::vector<float>(const std::vector<Config>&)> score() const override {
    return nullptr;
  }
  std::optional<double> correlation() const override { return std::nullopt; }

 private:
  std::vector<size_t>& first_new_;
};

class BatchesOfFive final : public SearchStrategy {
 public:
  std::string name() const override { return "five"; }
  int batch_size() const override { return 5; }
  bool uses_score() const override { return true; }
  std::vector<Config> Propose(const SearchState& state, int count) override {
    return random_->Propose(state, count);
  }

 private:
  std::unique_ptr<SearchStrategy> random_ = MakeStrategy("random", 1);
};

TEST(SearchCore, BatchesAreTheStrategysAndLearntFromOneByOne) {
  const Task task = LargeTask();
  std::vector<size_t> learnt;
  SearchCore core(task, std::make_unique<BatchesOfFive>(), std::make_unique<CountingGuide>(learnt),
                  SearchLimits{18});
  const auto batches = RunOn(core, SmoothCost);
  ASSERT_EQ(batches.size(), 4u);
  EXPECT_EQ(batches[0].size(), 6u);  // and the safe config
  EXPECT_EQ(batches[1].size(), 5u);
  EXPECT_EQ(batches[3].size(), 2u);  // what is left of the budget
  EXPECT_EQ(learnt, (std::vector<size_t>{0, 6, 11, 16}));
}

}  // namespace
}  // namespace halyard
