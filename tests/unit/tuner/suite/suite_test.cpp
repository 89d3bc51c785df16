// A suite on boards that cost nothing: builds fail or are lost as told, so what is tested is who
// gets the trials, and when it ends.

#include "tuner/suite/suite.h"

#include <map>
#include <thread>
#include <utility>

#include "schedules/choose_restriction.h"
#include "tests/unit/logs/recorded_tasks.h"
#include "tests/unit/logs/test_log.h"
#include "tests/unit/tuner/failing_bench.h"

namespace halyard {
namespace {

class Watching final : public SuiteObserver {
 public:
  explicit Watching(std::atomic<bool>& interrupted) : interrupted_(interrupted) {}
  void OnPhase(size_t, const std::string&) override {}
  void OnTrial(size_t member, const SearchResult& r) override {
    trials[member] = static_cast<int>(r.trials.size());
    if (++told_ == interrupt_at) interrupted_ = true;
  }
  void OnFinished(size_t member, const std::string& why) override { finished[member] = why; }

  std::map<size_t, int> trials;
  std::map<size_t, std::string> finished;
  int interrupt_at = -1;

 private:
  std::atomic<bool>& interrupted_;
  int told_ = 0;
};

class SuiteTest : public testing::Test {
 protected:
  static Task SmallTask(const std::string& workload, int configs) {
    const Task whole = MakeTask(ParseWorkload(workload).value(), RecordedDevice());
    RestrictionRequest request;
    request.configs = configs;
    return RestrictTask(whole, ChooseRestriction(whole.space, request).value().kept).value();
  }

  absl::StatusOr<SuiteSearch> Run(const SuiteBudget& budget) {
    std::vector<SuiteMember> members;
    for (const Task& task : tasks_) {
      members.push_back({{task, options_, builder_, board_, *log_, interrupted_, nullptr}, 1});
    }
    watching_.finished.clear();
    return SearchSuite(members, budget, watching_);
  }

  static TuneOptions Options() {
    TuneOptions options;
    options.trials = std::numeric_limits<int>::max();
    options.strategy = "random";
    return options;
  }

  TempFolder folder_;
  const std::vector<Task> tasks_ = {SmallTask("softmax:64x100:f32", 40),
                                    SmallTask("softmax:32x70:f32", 400),
                                    SmallTask("softmax:16x50:f32", 40)};
  const TuneOptions options_ = Options();
  FailingBuilder builder_;
  NoBoard board_;
  std::unique_ptr<MeasurementLog> log_ = OpenOrDie(folder_.File("log.db"), LogMode::kWrite);
  std::atomic<bool> interrupted_{false};
  Watching watching_{interrupted_};
};

TEST_F(SuiteTest, OneBudgetForAllToTheLastTrial) {
  const auto suite = Run({50});
  ASSERT_TRUE(suite.ok()) << suite.status();
  EXPECT_EQ(suite->trials(), 50);
  EXPECT_EQ(suite->stopped_because, kTrialBudgetUsed);
  EXPECT_EQ(log_->Count({}).value(), 50);
  for (const SearchResult& s : suite->searches) EXPECT_GE(s.trials.size(), 16u);
}

TEST_F(SuiteTest, GoesOnWhereItWasStoppedAndMeasuresNothingTwice) {
  watching_.interrupt_at = 25;
  const auto stopped = Run({70});
  ASSERT_TRUE(stopped.ok()) << stopped.status();
  EXPECT_EQ(stopped->stopped_because, "interrupted");
  EXPECT_TRUE(watching_.finished.empty()) << "an interrupt finishes no task";
  const int before = stopped->trials();
  EXPECT_LT(before, 30);
  interrupted_ = false;
  const auto suite = Run({70});
  ASSERT_TRUE(suite.ok()) << suite.status();
  EXPECT_EQ(suite->resumed(), before);
  EXPECT_EQ(suite->trials(), 70);
  EXPECT_EQ(log_->Count({}).value(), 70);
  std::map<std::string, int> measured;
  const std::vector<Record> logged = log_->Query({}).value();
  for (const Record& r : logged) measured[r.workload + " " + r.config]++;
  EXPECT_EQ(measured.size(), 70u);
  // A budget that is used already measures nothing more.
  const auto again = Run({70});
  EXPECT_EQ(again->trials(), 70);
  EXPECT_EQ(again->resumed(), 70);
}

TEST_F(SuiteTest, EndsWhenAllTasksAreFinishedAndSaysWhy) {
  const auto suite = Run({});
  ASSERT_TRUE(suite.ok()) << suite.status();
  EXPECT_EQ(suite->stopped_because, "all tasks are finished");
  ASSERT_EQ(watching_.finished.size(), 3u);
  EXPECT_EQ(watching_.finished[0], kSpaceUsedUp);
  EXPECT_EQ(watching_.finished[1], "no valid schedule");
  EXPECT_EQ(suite->searches[0].trials.size(), ValidIndices(tasks_[0].space).size());
  EXPECT_EQ(suite->searches[1].best(), nullptr);
  EXPECT_EQ(suite->forecast.gain, 0) << "nothing has a time to fall";
}

TEST_F(SuiteTest, ABoardThatIsGoneEndsItAndTheNextRunGoesOn) {
  builder_.outcome = [](const std::string&, int) { return Outcome::kInfraError; };
  EXPECT_EQ(Run({70}).status().code(), absl::StatusCode::kUnavailable);
  builder_.outcome = [](const std::string&, int) { return Outcome::kBuildError; };
  const auto suite = Run({70});
  ASSERT_TRUE(suite.ok()) << suite.status();
  EXPECT_EQ(suite->resumed(), 0) << "what was lost says nothing of a candidate";
  EXPECT_EQ(suite->trials(), 70);
}

// ---- Lanes: a builder each, as these are no more thread-safe than a search.

class SuiteLanesTest : public SuiteTest {
 protected:
  absl::StatusOr<SuiteSearch> RunLanes(const SuiteBudget& budget) {
    std::vector<SuiteMember> members;
    for (size_t i = 0; i < tasks_.size(); i++) {
      members.push_back(
          {{other_tasks_[i], options_, builders_[i], board_, *log_, interrupted_, nullptr}, 1, i});
    }
    return SearchSuite(members, budget, watching_);
  }

  // The same tasks on two devices.
  std::vector<Task> OtherTasks() {
    std::vector<Task> tasks = tasks_;
    tasks[2].device.id = "another";
    return tasks;
  }
  const std::vector<Task> other_tasks_ = OtherTasks();
  FailingBuilder builders_[3];
};

TEST_F(SuiteLanesTest, ShareABudgetToTheLastTrial) {
  for (int trials : {3, 50, 90}) {
    const auto suite = RunLanes({trials});
    ASSERT_TRUE(suite.ok()) << suite.status();
    EXPECT_EQ(suite->trials(), trials);
    EXPECT_EQ(suite->stopped_because, kTrialBudgetUsed);
  }
  std::map<std::string, int> measured;
  const std::vector<Record> logged = log_->Query({}).value();
  for (const Record& r : logged) measured[r.device + " " + r.workload + " " + r.config]++;
  EXPECT_EQ(measured.size(), 90u);
}

TEST_F(SuiteLanesTest, BoardsThatAreLostCostTheirDeviceOnly) {
  for (FailingBuilder& b : builders_) {
    b.outcome = [](const std::string&, int) { return Outcome::kInfraError; };
  }
  EXPECT_TRUE(absl::IsUnavailable(RunLanes({}).status())) << "all are lost";
  for (size_t i : {0, 1}) {
    builders_[i].outcome = [](const std::string&, int) { return Outcome::kBuildError; };
  }
  const auto suite = RunLanes({});
  ASSERT_TRUE(suite.ok()) << suite.status();
  ASSERT_EQ(suite->lost.size(), 1u);
  EXPECT_TRUE(absl::IsUnavailable(suite->lost.at("another")));
  EXPECT_EQ(suite->searches[0].trials.size(), ValidIndices(tasks_[0].space).size());
}

TEST_F(SuiteLanesTest, GoOnAtOnce) {
  // Each first build waits for the other lanes': in turn none would ever come.
  std::atomic<int> building{0};
  std::atomic<bool> alone{false};
  for (FailingBuilder& b : builders_) {
    b.outcome = [&, first = true](const std::string&, int) mutable {
      if (std::exchange(first, false)) {
        building++;
        for (int i = 0; i < 1000 && building < 3; i++) {
          std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        if (building < 3) alone = true;
      }
      return Outcome::kBuildError;
    };
  }
  ASSERT_TRUE(RunLanes({90}).ok());
  EXPECT_FALSE(alone);
}

TEST_F(SuiteLanesTest, BoardTimeIsOfAllBoardsTogether) {
  std::atomic<int> asked{0};
  SuiteBudget budget;
  budget.board_seconds = 10;
  budget.board_seconds_used = [&] { return ++asked < 40 ? 5.0 : 10.0; };
  const auto suite = RunLanes(budget);
  ASSERT_TRUE(suite.ok()) << suite.status();
  EXPECT_EQ(suite->stopped_because, "board time used");
}

Forecast Falling(double scale, int more) {
  return {more, scale * (1 - 1 / (1 + more / 100.0)), 0.1 * scale, more / 10.0};
}

TEST(ForecastTogether, DealsTrialsToWhomTheyAreWorthMost) {
  std::vector<TaskStanding> tasks(2);
  tasks[0].weight = tasks[1].weight = 1;
  tasks[0].best = 30;
  tasks[1].best = 10;
  const auto expect = [](size_t i, int more) { return Falling(i == 0 ? 0.2 : 0.0, more); };
  const Forecast f = ForecastTogether(tasks, 64, 16, expect);
  EXPECT_EQ(f.trials, 64);
  // All to the first, which is three quarters of the sum.
  EXPECT_DOUBLE_EQ(f.gain, 0.75 * Falling(0.2, 64).gain);
  EXPECT_DOUBLE_EQ(f.deviation, 0.75 * 0.02);
  EXPECT_DOUBLE_EQ(*f.seconds, 6.4);
}

TEST(ForecastTogether, LeavesOutWhatHasNoTimeAndUnknownPaces) {
  std::vector<TaskStanding> tasks(2);
  tasks[1].best = 10;
  const auto expect = [](size_t, int more) {
    Forecast f = Falling(0.2, more);
    f.seconds.reset();
    return f;
  };
  const Forecast f = ForecastTogether(tasks, 40, 16, expect);
  EXPECT_DOUBLE_EQ(f.gain, Falling(0.2, 40).gain);
  EXPECT_FALSE(f.seconds.has_value());
  EXPECT_EQ(ForecastTogether({TaskStanding{}}, 40, 16, expect).gain, 0);
}

}  // namespace
}  // namespace halyard
