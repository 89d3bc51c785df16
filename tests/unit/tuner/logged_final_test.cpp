// A final found again in the log.

#include "tuner/logged_final.h"

#include "tests/unit/logs/recorded_tasks.h"
#include "tests/unit/logs/test_log.h"

namespace halyard {
namespace {

class LoggedFinalTest : public testing::Test {
 protected:
  Record Of(const Config& config, double value, const std::string& phase,
            const std::string& message) const {
    Record r = OkRecord(task_.workload.ToText(), task_.space.ToText(config), value);
    r.device = task_.device.id;
    r.unit = "ns";
    r.space_version = task_.space.version();
    r.phase = phase;
    r.message = message;
    return r;
  }
  void Append(std::vector<Record> records) {
    ASSERT_TRUE(log_->Append(records).ok());
    last_id_ = records.back().id;
  }
  std::optional<FinalResult> Found() const {
    auto found = LoggedFinal(*log_, task_);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? *found : std::nullopt;
  }

  TempFolder folder_;
  const Task task_ = MakeTask(ParseWorkload("softmax:64x100:f32").value(), RecordedDevice());
  const Config safe_ = task_.space.safe();
  std::mt19937_64 rng_{3};
  const Config a_ = *task_.space.Random(rng_), b_ = *task_.space.Random(rng_);
  std::unique_ptr<MeasurementLog> log_ = OpenOrDie(folder_.File("log.db"), LogMode::kWrite);
  int64_t last_id_ = 0;
};

TEST_F(LoggedFinalTest, NothingWithoutOne) {
  EXPECT_FALSE(Found().has_value());
  Append({Of(a_, 100, "screening", ""), Of(safe_, 300, "screening", "")});
  EXPECT_FALSE(Found().has_value());
}

TEST_F(LoggedFinalTest, HasTheWinnerAndTheBaseline) {
  Append({Of(a_, 100, "screening", ""), Of(safe_, 300, "screening", "")});
  Append({Of(safe_, 310, "screening", kFinalMessage), Of(b_, 105, "screening", kFinalMessage),
          Of(a_, 104, "final", kFinalMessage)});
  const auto found = Found();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->winner, a_);
  EXPECT_EQ(found->winner_value, 104);
  EXPECT_EQ(found->winner_record, last_id_);
  EXPECT_EQ(found->baseline, safe_);
  EXPECT_EQ(found->baseline_value, 310);
  ASSERT_EQ(found->table.size(), 3u);
  EXPECT_EQ(found->table[0].label, "winner");
}

TEST_F(LoggedFinalTest, IsTheNewestOfSeveral) {
  Append({Of(safe_, 310, "screening", kFinalMessage), Of(a_, 104, "final", kFinalMessage)});
  Append({Of(safe_, 320, "screening", kFinalMessage), Of(b_, 90, "final", kFinalMessage),
          Of(a_, 99, "screening", kFinalMessage)});
  const auto found = Found();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->winner, b_);
  EXPECT_EQ(found->baseline_value, 320);
  EXPECT_EQ(found->table.size(), 3u);
}

TEST_F(LoggedFinalTest, HasNoTimeForAFinalistThatWasWrong) {
  Record wrong = Of(b_, 0, "screening", std::string(kFinalMessage) + kWrongAgain);
  wrong.outcome = Outcome::kWrongResult;
  wrong.samples.clear();
  Append({Of(safe_, 310, "screening", kFinalMessage), Of(a_, 104, "final", kFinalMessage), wrong});
  const auto found = Found();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->winner, a_);
  EXPECT_EQ(found->table.size(), 2u);
  EXPECT_EQ(found->rounds, 1);
}

TEST_F(LoggedFinalTest, IsOutOfDateWhereSomethingWasTriedSince) {
  Append({Of(safe_, 310, "screening", kFinalMessage), Of(a_, 104, "final", kFinalMessage)});
  Append({Of(b_, 80, "screening", "")});
  EXPECT_FALSE(Found().has_value());
}

}  // namespace
}  // namespace halyard
