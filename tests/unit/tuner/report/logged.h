// Records of a real task, in a real log.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "schedules/task.h"
#include "targets/device_snapshot.h"
#include "tests/unit/logs/test_log.h"
#include "tuner/report/report.h"

namespace halyard {

inline constexpr int64_t kMinuteMs = 60'000, kHourMs = 60 * kMinuteMs;
inline constexpr int64_t kEveningMs = 1'700'000'000'000;

// softmax 64x300 on a Raspberry Pi 4 that is a board: 1.5 GHz, 48 GFLOP/s, 4 GB/s.
class LoggedTask {
 public:
  LoggedTask() : task_(MakeTask(*ParseWorkload("softmax:64x300:f32"), Pi())) {}

  const Task& task() const { return task_; }
  std::string safe() const { return task_.space.ToText(task_.space.safe()); }
  // Some other valid config, the same for the same number.
  std::string other(unsigned number) const {
    std::mt19937_64 rng(number);
    return task_.space.ToText(task_.space.Neighbour(task_.space.safe(), rng));
  }

  Record Ok(const std::string& config, double ns, int64_t time_ms) const {
    Record r = OkRecord(task_.workload.ToText(), config, ns);
    r.space_version = task_.space.version();
    r.device = task_.device.id;
    r.board = "pi-1";
    r.time_unix_ms = time_ms;
    r.device_snapshot = std::make_shared<const std::string>(DeviceSnapshot(task_.device).dump());
    return r;
  }
  Record Failed(Outcome outcome, const std::string& message, int64_t time_ms) const {
    Record r = Ok(other(7), 1, time_ms);
    r.samples.clear();
    r.outcome = outcome;
    r.message = message;
    return r;
  }

 private:
  static Device Pi() {
    Device device = *LoadDevice("rpi4");
    device.board.reach = BoardReach::kLocal;
    return device;
  }
  const Task task_;
};

inline Report ReportOf(std::vector<Record> records) {
  TempFolder folder;
  const std::string path = folder.File("log.db");
  auto log = OpenOrDie(path, LogMode::kWrite);
  EXPECT_TRUE(log->Append(records).ok());
  auto report = GatherReport(*log, "night.db", kEveningMs + 24 * kHourMs);
  if (!report.ok()) throw std::runtime_error(report.status().ToString());
  return *std::move(report);
}

}  // namespace halyard
