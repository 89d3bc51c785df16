// A final whose finalists answer as they are told.

#include "tests/unit/logs/recorded_tasks.h"
#include "tests/unit/logs/test_log.h"
#include "tests/unit/tuner/answering_board.h"
#include "tests/unit/tuner/failing_bench.h"
#include "tuner/final.h"
#include "tuner/logged_final.h"

namespace halyard {
namespace {

class Unseen final : public SearchObserver {
 public:
  void OnPhase(const std::string&) override {}
  void OnTrial(const SearchResult&) override {}
};

class RunFinalTest : public testing::Test {
 protected:
  // A trial of the search that took `screened`; its artifact answers in the final with `again`, or
  // wrongly.
  void Screened(const Config& config, double screened, std::optional<double> again) {
    const std::string path = task_.space.ToText(config);
    EntryResult answer = RightAnswer(Expect(*task_.op, task_.workload, options_.seed));
    if (!again) answer.probe_values[0] += 1;
    answer.samples_ns = {again.value_or(1)};
    board_.answers[path] = answer;
    search_.trials.push_back({config, true, screened});
    BuildResult built;
    built.outcome = Outcome::kOk;
    built.path = path;
    built.sha256 = path;
    built.entries.resize(1);
    search_.artifacts[task_.space.index_of(config)] = built;
  }
  absl::StatusOr<FinalResult> Run() {
    Unseen unseen;
    const Workbench bench{task_, options_, builder_, board_, *log_, interrupted_};
    return RunFinal(bench, search_, 1, unseen);
  }
  std::vector<Record> Logged() const { return log_->Query({}).value(); }

  TempFolder folder_;
  const Task task_ = MakeTask(ParseWorkload("softmax:64x100:f32").value(), RecordedDevice());
  const Config safe_ = task_.space.safe();
  std::mt19937_64 rng_{3};
  const Config a_ = *task_.space.Random(rng_), b_ = *task_.space.Random(rng_);
  TuneOptions options_;
  FailingBuilder builder_;
  AnsweringBoard board_;
  SearchResult search_;
  std::unique_ptr<MeasurementLog> log_ = OpenOrDie(folder_.File("log.db"), LogMode::kWrite);
  std::atomic<bool> interrupted_{false};
};

TEST_F(RunFinalTest, WhatIsWrongTheSecondTimeIsLoggedAndHasNoTime) {
  Screened(a_, 100, std::nullopt);
  Screened(b_, 110, 120);
  Screened(safe_, 300, 310);
  const auto final = Run();
  ASSERT_TRUE(final.ok()) << final.status();
  EXPECT_EQ(final->winner, b_);
  EXPECT_EQ(final->winner_value, 120);
  EXPECT_EQ(final->baseline_value, 310);
  ASSERT_EQ(final->table.size(), 2u);
  EXPECT_EQ(final->table[0].config, b_);

  const std::vector<Record> records = Logged();
  ASSERT_EQ(records.size(), 3u);
  for (const Record& r : records) {
    const bool wrong = r.config == task_.space.ToText(a_);
    EXPECT_EQ(r.outcome, wrong ? Outcome::kWrongResult : Outcome::kOk) << r.config;
    EXPECT_EQ(r.samples.empty(), wrong);
    EXPECT_EQ(r.phase == "final", r.id == final->winner_record);
  }
  // The log tells the same final, and no search takes the wrong one for good again.
  const auto logged = LoggedFinal(*log_, task_);
  ASSERT_TRUE(logged.ok() && logged->has_value());
  EXPECT_EQ((*logged)->winner, b_);
  EXPECT_EQ((*logged)->winner_record, final->winner_record);
  EXPECT_EQ((*logged)->table.size(), 2u);
}

TEST_F(RunFinalTest, ABaselineThatIsWrongTheSecondTimeHasNoValue) {
  Screened(a_, 100, 101);
  Screened(safe_, 300, std::nullopt);
  const auto final = Run();
  ASSERT_TRUE(final.ok()) << final.status();
  EXPECT_EQ(final->winner, a_);
  EXPECT_EQ(final->baseline_value, 0);
  EXPECT_EQ(final->table.size(), 1u);
}

TEST_F(RunFinalTest, AllWrongIsAnErrorThatTheLogHas) {
  Screened(a_, 100, std::nullopt);
  Screened(safe_, 300, std::nullopt);
  EXPECT_EQ(Run().status().code(), absl::StatusCode::kInternal);
  const std::vector<Record> records = Logged();
  ASSERT_EQ(records.size(), 2u);
  for (const Record& r : records) EXPECT_EQ(r.outcome, Outcome::kWrongResult);
}

}  // namespace
}  // namespace halyard
