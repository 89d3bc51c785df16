#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tuner/report/logged.h"

namespace halyard {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class Gather : public testing::Test {
 protected:
  const LoggedTask logged_;
  // A first night, and a second.
  std::vector<Record> TwoNights() const {
    return {
        logged_.Ok(logged_.safe(), 1000, kEveningMs),
        logged_.Ok(logged_.other(1), 800, kEveningMs + kMinuteMs),
        logged_.Ok(logged_.other(2), 600, kEveningMs + 20 * kHourMs),
        logged_.Failed(Outcome::kCrash, "signal 11", kEveningMs + 20 * kHourMs + 59 * kMinuteMs),
        logged_.Ok(logged_.other(3), 700, kEveningMs + 21 * kHourMs)};
  }
};

TEST_F(Gather, TheSessionIsWhatFollowsTheLastLongPause) {
  const Report report = ReportOf(TwoNights());
  EXPECT_EQ(report.session.records, 3);
  EXPECT_EQ(report.session.first_unix_ms, kEveningMs + 20 * kHourMs);
  EXPECT_EQ(report.session.outcomes.at(Outcome::kCrash), 1);
  EXPECT_EQ(report.session.tasks, 1);
  EXPECT_EQ(report.session.better_tasks, 1);
  EXPECT_EQ(report.session.new_tasks, 0);
}

TEST_F(Gather, ATaskHasItsBestItsSafeScheduleAndWhatWasBefore) {
  const Report report = ReportOf(TwoNights());
  ASSERT_EQ(report.tasks.size(), 1u);
  const ReportTask& task = report.tasks[0];
  EXPECT_EQ(task.label, "softmax 64x300 on rpi4");
  EXPECT_EQ(task.best->value(), 600);
  EXPECT_EQ(task.safe->value(), 1000);
  EXPECT_EQ(task.best_before, 800);
  EXPECT_DOUBLE_EQ(*task.gain(), 0.25);
  EXPECT_DOUBLE_EQ(*task.speed_up(), 1000.0 / 600);
  EXPECT_DOUBLE_EQ(*report.speed_up(), 1000.0 / 600);
  EXPECT_EQ(task.in_session, 3);
}

TEST_F(Gather, AFinalRecordIsTheBestAlthoughAScreeningWasLower) {
  std::vector<Record> records = TwoNights();
  records.push_back(logged_.Ok(logged_.other(3), 650, kEveningMs + 21 * kHourMs));
  records.back().phase = "final";
  EXPECT_EQ(ReportOf(records).tasks[0].best->value(), 650);
}

TEST_F(Gather, TheRoofIsTheRecordsOwnElseTheDeviceFiles) {
  std::vector<Record> records = TwoNights();
  EXPECT_DOUBLE_EQ(ReportOf(records).tasks[0].roofline.gflops_peak, 48);
  records.back().peak_gflops = 40;
  records.back().copy_gb_per_s = 3;
  const Roofline roof = ReportOf(records).tasks[0].roofline;
  EXPECT_EQ(roof.gflops_peak, 40);
  EXPECT_EQ(roof.copy_gb_per_s, 3);
  EXPECT_GT(roof.flops, 0);
}

TEST_F(Gather, CyclesOfAVirtualBoardAreWorthTheirClocksTime) {
  std::vector<Record> records = TwoNights();
  for (Record& r : records) {
    r.unit = "virtual_cycles";
    r.board_kind = BoardKind::kVirtual;
  }
  const ReportTask task = std::move(ReportOf(records).tasks[0]);
  EXPECT_DOUBLE_EQ(task.roofline.ns_per_unit, 1 / 1.5);
}

TEST_F(Gather, WhatAnOldLogLacksIsSaid) {
  std::vector<Record> records = TwoNights();
  for (Record& r : records) r.device_snapshot = nullptr;
  const Report report = ReportOf(records);
  EXPECT_THAT(report.gaps, Contains(HasSubstr("5 of 5 records do not tell what the device was")));
  EXPECT_THAT(report.gaps,
              Contains(HasSubstr("5 of 5 records are screenings without a prediction")));
  EXPECT_THAT(report.gaps, Contains(HasSubstr("No board told its temperature")));
  EXPECT_TRUE(report.tasks[0].has_roof());  // of the device that goes by the id

  for (Record& r : records) {
    r = logged_.Ok(logged_.safe(), 1000, kEveningMs);
    r.predicted_score = 0.5;
    r.environment = "50.0 C";
  }
  records.back().predicted_score = std::nullopt;  // a second look at the same config
  EXPECT_THAT(ReportOf(records).gaps, IsEmpty());
}

TEST_F(Gather, AWorkloadAndADeviceNobodyKnowsAreStillToldOf) {
  std::vector<Record> records = {OkRecord("fft:1024:f32", "radix=4", 10)};
  records[0].device = "toaster";
  const Report report = ReportOf(records);
  ASSERT_EQ(report.tasks.size(), 1u);
  EXPECT_EQ(report.tasks[0].label, "fft 1024 on toaster");
  EXPECT_EQ(report.tasks[0].best->value(), 10);
  EXPECT_FALSE(report.tasks[0].has_work());
  EXPECT_THAT(report.gaps, Contains(HasSubstr("1 of 1 tasks have no roofline")));
}

TEST_F(Gather, AnEmptyLogIsNotFound) {
  TempFolder folder;
  const auto log = OpenOrDie(folder.File("log.db"), LogMode::kWrite);
  const absl::Status status = GatherReport(*log, "night.db", 0).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("log night.db has no records"));
}

}  // namespace
}  // namespace halyard
