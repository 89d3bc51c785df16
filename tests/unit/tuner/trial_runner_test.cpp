// What a log says of configs that were measured several times.

#include "tuner/trial_runner.h"

#include "tests/unit/logs/recorded_tasks.h"
#include "tests/unit/logs/test_log.h"
#include "tuner/task_records.h"

namespace halyard {
namespace {

class LoggedConfigsTest : public testing::Test {
 protected:
  void Append(const Config& config, Outcome outcome, std::vector<double> samples,
              const std::string& compiler = "any") {
    Record r = OkRecord(task_.workload.ToText(), task_.space.ToText(config), 0);
    r.device = task_.device.id;
    r.space_version = task_.space.version();
    r.protocol = SampleProtocol(r.board_kind);
    r.phase = "screening";
    r.outcome = outcome;
    r.compiler = compiler;
    r.samples = std::move(samples);
    std::vector<Record> one = {r};
    ASSERT_TRUE(log_->Append(one).ok());
  }
  std::vector<LoggedTrial> Configs(const std::string& compiler = "") const {
    const auto configs = LoggedConfigs(*log_, task_, compiler);
    EXPECT_TRUE(configs.ok()) << configs.status();
    return configs.value();
  }

  TempFolder folder_;
  const Task task_ = MakeTask(ParseWorkload("softmax:64x100:f32").value(), RecordedDevice());
  std::mt19937_64 rng_{3};
  const Config a_ = *task_.space.Random(rng_), b_ = *task_.space.Random(rng_);
  std::unique_ptr<MeasurementLog> log_ = OpenOrDie(folder_.File("log.db"), LogMode::kWrite);
};

TEST_F(LoggedConfigsTest, OkTwiceIsOnceWithAllItsSamples) {
  Append(a_, Outcome::kOk, {100, 101});
  Append(b_, Outcome::kOk, {50});
  Append(a_, Outcome::kOk, {102});
  const auto configs = Configs();
  ASSERT_EQ(configs.size(), 2u);
  EXPECT_EQ(configs[0].config, a_);
  EXPECT_EQ(configs[0].record.samples, (std::vector<double>{100, 101, 102}));
  EXPECT_EQ(configs[1].config, b_);
}

TEST_F(LoggedConfigsTest, AnotherCompilersBuildsAreOtherPrograms) {
  Append(a_, Outcome::kWrongResult, {}, "old");
  Append(a_, Outcome::kOk, {100}, "new");
  Append(b_, Outcome::kOk, {50}, "old");
  const auto configs = Configs("new");
  ASSERT_EQ(configs.size(), 1u);
  EXPECT_EQ(configs[0].config, a_);
  EXPECT_EQ(configs[0].record.outcome, Outcome::kOk);
  EXPECT_EQ(Configs().size(), 2u);
}

TEST_F(LoggedConfigsTest, WrongOnceIsWrongWhateverElseItGave) {
  Append(a_, Outcome::kOk, {100});
  Append(a_, Outcome::kWrongResult, {});
  Append(a_, Outcome::kOk, {99});
  const auto configs = Configs();
  ASSERT_EQ(configs.size(), 1u);
  EXPECT_EQ(configs[0].record.outcome, Outcome::kWrongResult);
  EXPECT_TRUE(configs[0].record.samples.empty());
}

TEST_F(LoggedConfigsTest, AFailureThatIsNoAnswerGivesWayToOne) {
  Append(a_, Outcome::kUnstable, {});
  Append(b_, Outcome::kRunTimeout, {});
  Append(a_, Outcome::kOk, {100});
  const auto configs = Configs();
  ASSERT_EQ(configs.size(), 2u);
  EXPECT_EQ(configs[0].config, a_);
  EXPECT_EQ(configs[0].record.outcome, Outcome::kOk);
  EXPECT_EQ(configs[0].record.samples, std::vector<double>{100});
  EXPECT_EQ(configs[1].record.outcome, Outcome::kRunTimeout);
}

TEST_F(LoggedConfigsTest, ALaterFailureTakesNoTimeAway) {
  Append(a_, Outcome::kOk, {100});
  Append(a_, Outcome::kUnstable, {});
  const auto configs = Configs();
  ASSERT_EQ(configs.size(), 1u);
  EXPECT_EQ(configs[0].record.samples, std::vector<double>{100});
}

}  // namespace
}  // namespace halyard
