#include "tuner/model_data.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "logs/measurement_log.h"
#include "targets/device_snapshot.h"
#include "tuner/task_records.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;

class ModelDataTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (fs::temp_directory_path() / "halyard-data-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { fs::remove_all(folder_); }

  static Record RecordOf(const std::string& workload, const std::string& vec, int version,
                         std::vector<double> samples) {
    const Task task = MakeTask(ParseWorkload(workload).value(), LoadDevice("rpi4").value());
    Record r;
    r.workload = workload;
    r.config = task.space.ToText(task.space.safe());
    const size_t at = r.config.find("vec=");
    r.config.replace(at + 4, r.config.find(' ', at) - at - 4, vec);
    r.space_version = version;
    r.device = "rpi4";
    r.board = "board";
    r.board_kind = BoardKind::kVirtual;
    r.unit = "virtual_cycles";
    r.samples = std::move(samples);
    r.outcome = r.samples.empty() ? halyard::Outcome::kCrash : halyard::Outcome::kOk;
    if (r.samples.empty()) r.message = "crashed";
    r.compiler = "Halide";
    r.protocol = SampleProtocol(r.board_kind);
    return r;
  }
  std::string Log(const std::string& name, std::vector<Record> records) const {
    const std::string path = folder_ + "/" + name;
    const auto log = OpenSqliteLog(path, LogMode::kWrite);
    EXPECT_TRUE(log.ok()) << log.status();
    const absl::Status appended = (*log)->Append(records);
    EXPECT_TRUE(appended.ok()) << appended;
    return path;
  }

  std::string folder_;
};

constexpr char kGemm[] = "gemm:64x64x64:f32";

TEST_F(ModelDataTest, NewestSpaceVersionOfAllLogsAndMediansOfRepeats) {
  Record final = RecordOf(kGemm, "4", 2, {1});
  final.phase = "final";
  Record lost = RecordOf(kGemm, "4", 2, {});
  lost.outcome = halyard::Outcome::kBoardLost;
  Record otherwise = RecordOf(kGemm, "4", 2, {20});
  otherwise.protocol--;
  const std::string a =
      Log("a.db", {RecordOf(kGemm, "4", 1, {50, 50, 50}), RecordOf(kGemm, "4", 2, {30, 10, 20}),
                   final, lost, otherwise});
  const std::string b = Log("b.db", {RecordOf(kGemm, "4", 2, {40, 60, 50}),
                                     RecordOf(kGemm, "4", 2, {30, 10, 20}),  // a copy
                                     RecordOf(kGemm, "8", 2, {70}), RecordOf(kGemm, "8", 1, {5}),
                                     RecordOf("softmax:8x100:f32", "4", 1, {})});
  const auto data = LoadModelData({a, b});
  ASSERT_TRUE(data.ok()) << data.status();
  ASSERT_EQ(data->tasks.size(), 2u);
  EXPECT_EQ(data->records, 5);
  EXPECT_EQ(data->other_phase, 1);
  EXPECT_EQ(data->other_protocol, 1);
  EXPECT_EQ(data->infrastructure, 1);
  EXPECT_EQ(data->older_space, 2);
  EXPECT_EQ(data->unreadable, 0);

  const MeasuredTask& gemm = data->tasks[0];
  EXPECT_EQ(gemm.task->workload.op, "gemm");
  ASSERT_EQ(gemm.measurements.size(), 2u);
  const Measurement& twice = gemm.measurements[0];
  EXPECT_TRUE(twice.ok);
  EXPECT_DOUBLE_EQ(twice.value, 30);  // of 10 to 60, the lower middle one
  EXPECT_EQ(twice.repeats, 2);
  EXPECT_EQ(twice.weight, 1.0f);
  const Measurement& once = gemm.measurements[1];
  EXPECT_DOUBLE_EQ(once.value, 70);
  EXPECT_EQ(once.weight, kSingleSampleWeight);
  ASSERT_EQ(data->tasks[1].measurements.size(), 1u);
  EXPECT_FALSE(data->tasks[1].measurements[0].ok);
}

TEST_F(ModelDataTest, WhatCannotBeReadIsCounted) {
  Record unknown_knob = RecordOf(kGemm, "8", 2, {7});
  unknown_knob.config += " shape=round";
  Record unknown_device = RecordOf(kGemm, "4", 2, {7});
  unknown_device.device = "toaster";
  Record unknown_operator = RecordOf(kGemm, "4", 2, {7});
  unknown_operator.workload = "fold:8:f32";
  const auto data = LoadModelData({Log(
      "a.db", {RecordOf(kGemm, "4", 2, {1}), unknown_knob, unknown_device, unknown_operator})});
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(data->unreadable, 3);
  ASSERT_EQ(data->tasks.size(), 1u);
  EXPECT_EQ(data->tasks[0].measurements.size(), 1u);
}

// A user's own device, and a listed one as it was before its file changed.
TEST_F(ModelDataTest, DevicesAreTakenAsTheLogHasThem) {
  const auto snapshot = [](Device device) {
    return std::make_shared<const std::string>(DeviceSnapshot(device).dump());
  };
  Device own = LoadDevice("rpi4").value(), faster = own, same = own;
  own.id = "my-board";
  own.cores = 2;
  faster.clock_ghz = 2;
  same.description = "as it was described once";
  same.fma_per_cycle = 7;
  std::vector<Record> records(4, RecordOf(kGemm, "4", 2, {1}));
  records[0].device = "my-board";
  records[0].device_snapshot = snapshot(own);
  records[1].device_snapshot = snapshot(faster);
  records[2].device_snapshot = snapshot(same);
  records[3].device = "toaster";
  records[3].device_snapshot = std::make_shared<const std::string>("{\"id\":\"toaster\"}");
  const auto data = LoadModelData({Log("a.db", records)});
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(data->unreadable, 1);
  ASSERT_EQ(data->tasks.size(), 3u);
  EXPECT_EQ(data->tasks[0].task->device.id, "my-board");
  EXPECT_EQ(data->tasks[0].task->device.cores, 2);
  for (size_t i : {1, 2}) {
    const Device& d = data->tasks[i].task->device;
    EXPECT_EQ(d.id, "rpi4");
    EXPECT_EQ(d.fma_per_cycle, 1) << "the same hardware has the figures of its file";
  }
  EXPECT_NE(data->tasks[1].task->device.clock_ghz, data->tasks[2].task->device.clock_ghz);
}

TEST_F(ModelDataTest, AMissingLogIsNamed) {
  const auto data = LoadModelData({folder_ + "/none.db"});
  ASSERT_FALSE(data.ok());
  EXPECT_NE(data.status().message().find("none.db"), std::string::npos) << data.status();
}

}  // namespace
}  // namespace halyard
