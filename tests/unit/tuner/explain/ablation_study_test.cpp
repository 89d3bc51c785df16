// Studies on a board that is made up: every config has a time, and some fail in ways of their own.

#include "tuner/explain/ablation_study.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "tests/unit/cost_model/feature_tasks.h"
#include "tuner/candidate_runner.h"

namespace halyard {
namespace {

// "Builds" an artifact whose path is the config.
class PaperBuilder final : public Builder {
 public:
  std::vector<BuildResult> Build(const std::vector<BuildRequest>& requests) override {
    std::vector<BuildResult> results;
    for (const BuildRequest& r : requests) {
      built[r.config]++;
      BuildResult result;
      result.outcome = r.config == breaks ? Outcome::kBuildError : Outcome::kOk;
      if (r.config == breaks) result.message = "does not build";
      result.path = r.config;
      result.entries.resize(1);
      results.push_back(result);
    }
    return results;
  }
  std::string compiler() const override { return "none"; }

  std::map<std::string, int> built;
  std::string breaks;
};

class PaperBoard final : public Executor {
 public:
  explicit PaperBoard(const Task& task) : task_(task) {}

  RunOutcome Run(const RunRequest& request, std::chrono::milliseconds) override {
    if (++runs == interrupt_at) interrupted = true;
    RunOutcome outcome;
    if (lost) {
      outcome.status = RunStatus::kBoardLost;
      outcome.message = "unplugged";
      return outcome;
    }
    const bool rounds = request.mode == RunMode::kInterleave;
    if (rounds) groups.push_back(request.candidates.size());
    const Expectation right = Expect(*task_.op, task_.workload, request.seed);
    outcome.status = RunStatus::kOk;
    for (const CandidateSpec& c : request.candidates) {
      if (rounds && c.artifact_path == crashes_in_rounds) {
        outcome.status = RunStatus::kCrash;
        outcome.message = "died of a signal";
        return outcome;
      }
      EntryResult r;
      for (const double v : right.values) r.probe_values.push_back(static_cast<float>(v));
      if (c.artifact_path == wrong) r.probe_values[5] += 1;
      r.projection = right.projection.value_or(0);
      const int samples = rounds ? request.rounds : request.timing.samples;
      for (int i = 0; i < samples; i++) {
        r.samples_ns.push_back(time(c.artifact_path) * (1 + noise * normal_(rng_)));
      }
      outcome.reply.candidates.push_back({r});
    }
    return outcome;
  }
  std::string board_id() const override { return "paper"; }
  BoardKind board_kind() const override { return BoardKind::kPhysical; }
  std::string environment() const override { return ""; }

  std::function<double(const std::string&)> time = [](const std::string&) { return 1e5; };
  double noise = 0.02;
  std::string wrong, crashes_in_rounds;
  bool lost = false;
  int runs = 0, interrupt_at = 0;
  std::atomic<bool> interrupted{false};
  std::vector<size_t> groups;

 private:
  const Task& task_;
  std::mt19937 rng_{1};
  std::normal_distribution<double> normal_{0, 1};
};

class AblationStudyTest : public testing::Test {
 protected:
  absl::StatusOr<AblationStudy> Run(int rounds = 15) {
    const StudyBench bench{task_, builder_, board_, board_.interrupted, 1, rounds};
    return StudyAblations(bench, config_, chosen_, [](const std::string&) {});
  }
  // With one knob at another text than the config's.
  std::string Changed(const std::string& knob, const std::string& value) const {
    std::string text = task_.space.ToText(config_);
    const size_t at = text.find(knob + "=") + knob.size() + 1;
    return text.replace(at, text.find(' ', at) - at, value);
  }
  const AblationResult& Of(const AblationStudy& study, const std::string& config) const {
    for (const AblationResult& r : study.results) {
      if (task_.space.ToText(r.ablation.config) == config) return r;
    }
    throw std::out_of_range(config);
  }
  static std::map<Verdict, int> Verdicts(const AblationStudy& study) {
    std::map<Verdict, int> counts;
    for (const AblationResult& r : study.results) counts[r.verdict]++;
    return counts;
  }

  const Task task_ = TaskOf("softmax:64x300");
  const Config config_ = With(task_, {{"form", "store"},
                                      {"vec", "8"},
                                      {"partials", "2"},
                                      {"unroll", "2"},
                                      {"block", "2"},
                                      {"grain", "2"}});
  const std::vector<KnobAblations> chosen_ = ChooseAblations(task_.space, config_, {});
  PaperBuilder builder_;
  PaperBoard board_{task_};
};

TEST_F(AblationStudyTest, EveryChangeGetsItsVerdict) {
  const std::string slower = Changed("form", "online"), faster = Changed("unroll", "4");
  board_.time = [&](const std::string& config) {
    return config == slower ? 1.3e5 : config == faster ? 0.8e5 : 1e5;
  };
  builder_.breaks = Changed("partials", "1");
  board_.wrong = Changed("block", "4");
  const auto study = Run();
  ASSERT_TRUE(study.ok()) << study.status();
  EXPECT_FALSE(study->interrupted);
  EXPECT_EQ(study->rounds, 15);
  EXPECT_NEAR(study->value(), 1e5, 5e3);

  EXPECT_EQ(Of(*study, slower).verdict, Verdict::kCosts);
  EXPECT_NEAR(Of(*study, slower).ratio.mean, 1.3, 0.04);
  EXPECT_LT(Of(*study, slower).ratio.low, Of(*study, slower).ratio.mean);
  EXPECT_GT(Of(*study, slower).ratio.high, Of(*study, slower).ratio.mean);
  EXPECT_FALSE(Of(*study, slower).confirmed);
  EXPECT_EQ(Of(*study, slower).samples.size(), 15u);
  EXPECT_EQ(Of(*study, slower).beside.size(), 15u);
  EXPECT_EQ(Of(*study, faster).verdict, Verdict::kFaster);
  EXPECT_TRUE(Of(*study, faster).confirmed);
  EXPECT_NEAR(Of(*study, faster).ratio.mean, 0.8, 0.03);
  EXPECT_EQ(Of(*study, builder_.breaks).verdict, Verdict::kFailed);
  EXPECT_EQ(Of(*study, builder_.breaks).outcome, Outcome::kBuildError);
  EXPECT_EQ(Of(*study, builder_.breaks).message, "does not build");
  EXPECT_EQ(Of(*study, board_.wrong).outcome, Outcome::kWrongResult);
  EXPECT_TRUE(Of(*study, board_.wrong).samples.empty());
  const std::map<Verdict, int> counts = Verdicts(*study);
  EXPECT_EQ(counts.at(Verdict::kCosts), 1);
  EXPECT_EQ(counts.at(Verdict::kFaster), 1);
  EXPECT_EQ(counts.at(Verdict::kFailed), 2);
  EXPECT_EQ(counts.at(Verdict::kNoDifference), static_cast<int>(study->results.size()) - 4);
  for (const auto& [config, times] : builder_.built) EXPECT_EQ(times, 1) << config;
}

TEST_F(AblationStudyTest, NoiseIsNotCalledADifference) {
  board_.noise = 0.05;
  int costs = 0, faster = 0, all = 0;
  for (int i = 0; i < 40; i++) {
    const auto study = Run();
    ASSERT_TRUE(study.ok()) << study.status();
    std::map<Verdict, int> counts = Verdicts(*study);
    costs += counts[Verdict::kCosts];
    faster += counts[Verdict::kFaster];
    all += static_cast<int>(study->results.size());
  }
  // A 95 % interval is off to one side in one of forty; beyond one per cent of it less often.
  EXPECT_LE(costs, all / 40);
  // And twice over hardly ever.
  EXPECT_LE(faster, 2);
}

TEST_F(AblationStudyTest, SlowOnesTakeFewRoundsAndGoTogether) {
  const std::string slow = Changed("form", "online");
  board_.time = [&](const std::string& config) { return config == slow ? 2e9 : 1e5; };
  const auto study = Run(20);
  ASSERT_TRUE(study.ok()) << study.status();
  EXPECT_EQ(Of(*study, slow).samples.size(), 5u);
  EXPECT_EQ(Of(*study, slow).verdict, Verdict::kCosts);
  EXPECT_EQ(study->rounds, 20);
  for (const size_t together : board_.groups) EXPECT_LE(together, 8u);
}

TEST_F(AblationStudyTest, OneThatCrashesBesideOthersCostsThemNothing) {
  board_.crashes_in_rounds = Changed("unroll", "4");
  const auto study = Run();
  ASSERT_TRUE(study.ok()) << study.status();
  EXPECT_EQ(Of(*study, board_.crashes_in_rounds).verdict, Verdict::kFailed);
  EXPECT_EQ(Of(*study, board_.crashes_in_rounds).message, "died of a signal");
  EXPECT_EQ(Verdicts(*study)[Verdict::kNoDifference], static_cast<int>(study->results.size()) - 1);
}

TEST_F(AblationStudyTest, AnInterruptKeepsWhatWasMeasured) {
  // Each is run alone, the config too, and then the first group.
  std::set<Config> alone = {config_};
  for (const KnobAblations& k : chosen_) {
    for (const Ablation& a : k.ablations) alone.insert(a.config);
  }
  board_.interrupt_at = static_cast<int>(alone.size()) + 1;
  const auto study = Run();
  ASSERT_TRUE(study.ok()) << study.status();
  EXPECT_TRUE(study->interrupted);
  EXPECT_FALSE(study->samples.empty());
  std::map<Verdict, int> counts = Verdicts(*study);
  EXPECT_GT(counts[Verdict::kNoDifference], 0);
  EXPECT_GT(counts[Verdict::kNotMeasured], 0);
  // Before anything ran.
  board_.interrupted = true;
  const auto nothing = Run();
  ASSERT_TRUE(nothing.ok()) << nothing.status();
  EXPECT_TRUE(nothing->samples.empty());
  EXPECT_EQ(Verdicts(*nothing)[Verdict::kNotMeasured], static_cast<int>(nothing->results.size()));
}

TEST_F(AblationStudyTest, AConfigThatIsWrongItselfOrABoardThatIsLostEndsIt) {
  board_.wrong = task_.space.ToText(config_);
  EXPECT_EQ(Run().status().code(), absl::StatusCode::kFailedPrecondition);
  board_.wrong = "";
  board_.lost = true;
  EXPECT_EQ(Run().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(AblationStudyTest, WithoutAnyChangeTheConfigHasATime) {
  const StudyBench bench{task_, builder_, board_, board_.interrupted};
  const auto study = StudyAblations(bench, config_, {}, [](const std::string&) {});
  ASSERT_TRUE(study.ok()) << study.status();
  EXPECT_NEAR(study->value(), 1e5, 2e4);
}

TEST(JudgeRatio, WantsTheWholeIntervalBeyondOnePerCent) {
  EXPECT_EQ(JudgeRatio({1.2, 1.02, 1.4}), Verdict::kCosts);
  EXPECT_EQ(JudgeRatio({1.2, 1.0, 1.4}), Verdict::kUnclear);
  EXPECT_EQ(JudgeRatio({1.005, 1.004, 1.006}), Verdict::kNoDifference);
  EXPECT_EQ(JudgeRatio({0.9, 0.85, 0.98}), Verdict::kFaster);
  EXPECT_EQ(JudgeRatio({0.9, 0.8, 1.02}), Verdict::kUnclear);
  EXPECT_EQ(JudgeRatio({1.0, 0.97, 1.03}), Verdict::kNoDifference);
  EXPECT_EQ(JudgeRatio({1.0, 0.94, 1.03}), Verdict::kUnclear);
}

}  // namespace
}  // namespace halyard
