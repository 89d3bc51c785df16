// Recording with a builder that fails on purpose: every outcome ends up where it belongs.

#include "tuner/space_recorder.h"

#include <map>

#include "schedules/choose_restriction.h"
#include "tests/unit/logs/recorded_tasks.h"
#include "tests/unit/logs/test_log.h"
#include "tests/unit/tuner/failing_bench.h"
#include "tuner/task_records.h"

namespace halyard {
namespace {

class SpaceRecorder : public testing::Test {
 protected:
  absl::StatusOr<RecordedSpace> Record() {
    const Workbench bench{task_, options_, builder_, board_, *log_, interrupted_};
    return RecordSpace(bench, [&](const RecordingProgress& p) {
      progress_ = p;
      if (p.done == stop_after_) interrupted_ = true;
    });
  }

  static Task SmallTask() {
    const Task whole = MakeTask(ParseWorkload("softmax:64x100:f32").value(), RecordedDevice());
    RestrictionRequest request;
    request.configs = 60;
    return RestrictTask(whole, ChooseRestriction(whole.space, request).value().kept).value();
  }

  TempFolder folder_;
  const Task task_ = SmallTask();
  const size_t valid_ = ValidIndices(task_.space).size();
  TuneOptions options_;
  FailingBuilder builder_;
  NoBoard board_;
  std::unique_ptr<MeasurementLog> log_ = OpenOrDie(folder_.File("log.db"), LogMode::kWrite);
  std::atomic<bool> interrupted_{false};
  size_t stop_after_ = 1'000'000;
  RecordingProgress progress_;
};

TEST_F(SpaceRecorder, MeasuresEveryValidConfigOnce) {
  const auto space = Record();
  ASSERT_TRUE(space.ok()) << space.status();
  EXPECT_EQ(space->results.size(), valid_);
  for (const RecordedResult& r : space->results) EXPECT_EQ(r.outcome, Outcome::kBuildError);
  EXPECT_EQ(builder_.attempts.size(), valid_);
  for (const auto& [config, attempts] : builder_.attempts) EXPECT_EQ(attempts, 1) << config;
  EXPECT_EQ(progress_.done, valid_);
  EXPECT_EQ(progress_.outcomes.at(Outcome::kBuildError), valid_);
  EXPECT_EQ(space->workload, "softmax:64x100:f32");
  EXPECT_EQ(space->space_version, task_.space.version());
  EXPECT_EQ(space->valid_crc32, Crc32OfIndices(ValidIndices(task_.space)));
}

TEST_F(SpaceRecorder, GoesOnWhereItWasInterrupted) {
  stop_after_ = 20;
  const auto stopped = Record();
  EXPECT_EQ(stopped.status().code(), absl::StatusCode::kAborted);
  EXPECT_NE(std::string(stopped.status().message()).find("20 of"), std::string::npos);
  stop_after_ = 1'000'000;
  interrupted_ = false;
  const auto space = Record();
  ASSERT_TRUE(space.ok()) << space.status();
  EXPECT_EQ(progress_.resumed, 20u);
  std::map<std::string, int> records;
  const std::vector<halyard::Record> logged = log_->Query({}).value();
  for (const halyard::Record& r : logged) records[r.config]++;
  EXPECT_EQ(records.size(), valid_);
  for (const auto& [config, times] : records) EXPECT_EQ(times, 1) << config;
}

TEST_F(SpaceRecorder, WhatWasLostIsMeasuredAgain) {
  // Not all of the first batch, which would be a board that is gone.
  int calls = 0;
  builder_.outcome = [&calls](const std::string&, int attempt) {
    return attempt == 0 && calls++ % 5 == 0 ? Outcome::kInfraError : Outcome::kBuildTimeout;
  };
  const auto space = Record();
  ASSERT_TRUE(space.ok()) << space.status();
  for (const RecordedResult& r : space->results) EXPECT_EQ(r.outcome, Outcome::kBuildTimeout);
}

TEST_F(SpaceRecorder, WhatIsLostForGoodEndsItAndIsNotRecorded) {
  const std::string unlucky = task_.space.ToText(task_.space.safe());
  builder_.outcome = [&](const std::string& config, int) {
    return config == unlucky ? Outcome::kInfraError : Outcome::kBuildError;
  };
  EXPECT_EQ(Record().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(builder_.attempts[unlucky], 3);
  // The next run tries it again.
  builder_.outcome = [](const std::string&, int) { return Outcome::kBuildError; };
  EXPECT_TRUE(Record().ok());
  EXPECT_EQ(builder_.attempts[unlucky], 4);
}

TEST_F(SpaceRecorder, WhatStaysUnstableIsRecordedAsSuch) {
  builder_.outcome = [](const std::string&, int) { return Outcome::kUnstable; };
  const auto space = Record();
  ASSERT_TRUE(space.ok()) << space.status();
  for (const RecordedResult& r : space->results) EXPECT_EQ(r.outcome, Outcome::kUnstable);
  for (const auto& [config, attempts] : builder_.attempts) EXPECT_EQ(attempts, 3) << config;
}

TEST_F(SpaceRecorder, KnowsGoodConfigsFromALog) {
  const auto record = [&](const std::string& config, double value) {
    halyard::Record r = OkRecord("softmax:64x100:f32", config, value);
    r.device = task_.device.id;
    r.space_version = task_.space.version();
    r.protocol = SampleProtocol(r.board_kind);
    return r;
  };
  const std::vector<uint64_t> valid = ValidIndices(task_.space);
  const auto text = [&](size_t i) { return task_.space.ToText(task_.space.config_at(valid[i])); };
  std::vector<halyard::Record> records = {record(text(3), 30), record(text(1), 10),
                                          record(text(2), 20), record(text(1), 40),
                                          record("form=gone", 1)};
  records.push_back(record(text(4), 5));
  records.back().space_version++;
  records.push_back(record(text(5), 1));
  records.back().outcome = Outcome::kWrongResult;
  ASSERT_TRUE(log_->Append(records).ok());
  const auto good = GoodConfigs(*log_, task_);
  ASSERT_TRUE(good.ok()) << good.status();
  ASSERT_EQ(good->size(), 3u);
  for (size_t i = 0; i < 3; i++) EXPECT_EQ(task_.space.ToText((*good)[i]), text(i + 1));
}

}  // namespace
}  // namespace halyard
