#include "tuner/task_records.h"

#include "absl/strings/str_join.h"
#include "fmt/format.h"
#include "targets/device_snapshot.h"
#include "tuner/candidate_runner.h"

namespace halyard {

std::string RecordedCompiler(const std::string& compiler, const Device& device) {
  return compiler + "; " + device.halide_target;
}

RecordFilter RecordsOfDevice(const Device& device) {
  RecordFilter filter;
  filter.device = device.id;
  filter.unit = UnitOf(device.board_kind());
  filter.device_snapshot = DeviceSnapshot(device).dump();
  return filter;
}

RecordFilter RecordsOfTask(const Task& task) {
  RecordFilter filter = RecordsOfDevice(task.device);
  filter.workload = task.workload.ToText();
  filter.space_version = task.space.version();
  return filter;
}

absl::StatusOr<std::string> OtherHardwareNote(const MeasurementLog& log, const Device& device) {
  const auto logged = log.Devices();
  if (!logged.ok()) return logged.status();
  const nlohmann::json now = DeviceSnapshot(device);
  int64_t records = 0;
  std::vector<HardwareDifference> newest;
  for (const LoggedDevice& d : *logged) {
    if (d.device != device.id || d.snapshot == nullptr) continue;
    const nlohmann::json then = nlohmann::json::parse(*d.snapshot);
    // The other kind of board is told by the unit, and is nothing to wonder at.
    if (then.value("board_kind", "") != now["board_kind"]) continue;
    auto differences = HardwareDifferences(then, now);
    if (differences.empty()) continue;
    records += d.records;
    newest = std::move(differences);
  }
  if (records == 0) return "";
  return fmt::format("{} records of {} are left out: they are of other hardware ({})", records,
                     device.id,
                     absl::StrJoin(newest, "; ", [](std::string* out, const HardwareDifference& d) {
                       out->append(d.ToText());
                     }));
}

}  // namespace halyard
