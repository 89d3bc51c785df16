#include "tuner/model_data.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "logs/measurement_log.h"
#include "targets/device_snapshot.h"
#include "tuner/task_records.h"

namespace halyard {
namespace {

struct Repeats {
  // Copies of one record in several logs count once.
  std::set<std::vector<double>> samples;  // empty where every one failed
  bool wrong = false;                     // in any of them: right by chance in the others
};

struct TaskRecords {
  int version = 0;
  std::map<std::string, Repeats> configs;  // by text
  int64_t records = 0;
  std::shared_ptr<const std::string> device;  // snapshot
};

// Workload, device id, unit, HardwareText of the device.
using TaskKey = std::tuple<std::string, std::string, std::string, std::string>;

// The listed device where it is the hardware that was recorded: its other figures may be known
// better by now. Otherwise the device as it was, as of a user's own file or of another machine.
absl::StatusOr<Device> DeviceOf(const std::string& id,
                                const std::shared_ptr<const std::string>& snapshot) {
  auto listed = LoadDevice(id);
  if (snapshot == nullptr) return listed;
  const nlohmann::json then = nlohmann::json::parse(*snapshot);
  if (listed.ok() && HardwareDifferences(then, DeviceSnapshot(*listed)).empty()) return listed;
  try {
    return DeviceFromSnapshot(then);
  } catch (const nlohmann::json::exception& e) {
    return absl::DataLossError(e.what());
  }
}

Measurement MeasurementOf(const Config& config, const Repeats& repeats) {
  Measurement m{config};
  Record all;
  for (const std::vector<double>& samples : repeats.samples) {
    all.samples.insert(all.samples.end(), samples.begin(), samples.end());
  }
  m.ok = !all.samples.empty() && !repeats.wrong;
  if (!m.ok) return m;
  all.outcome = Outcome::kOk;
  m.value = all.value();
  m.repeats = static_cast<int>(repeats.samples.size());
  m.weight = all.samples.size() > 1 ? 1.0f : kSingleSampleWeight;
  return m;
}

}  // namespace

absl::StatusOr<ModelData> LoadModelData(const std::vector<std::string>& logs) {
  ModelData data;
  std::map<TaskKey, TaskRecords> tasks;
  std::map<std::string, std::string> hardware;  // of snapshots, each read once
  for (const std::string& path : logs) {
    const auto log = OpenSqliteLog(path, LogMode::kRead);
    if (!log.ok()) return log.status();
    const auto records = (*log)->Query({});
    if (!records.ok()) return records.status();
    for (const Record& r : *records) {
      if (r.protocol != SampleProtocol(r.board_kind)) {
        data.other_protocol++;
      } else if (r.phase != "screening") {
        data.other_phase++;
      } else if (IsInfrastructure(r.outcome)) {
        data.infrastructure++;
      } else {
        std::string& text = hardware[r.device_snapshot == nullptr ? "" : *r.device_snapshot];
        if (text.empty() && r.device_snapshot != nullptr) text = HardwareText(*r.device_snapshot);
        TaskRecords& task = tasks[{r.workload, r.device, r.unit, text}];
        if (task.device == nullptr) task.device = r.device_snapshot;
        if (r.space_version > task.version) {
          data.older_space += task.records;
          task = {r.space_version, {}, 0, r.device_snapshot};
        }
        if (r.space_version < task.version) {
          data.older_space++;
          continue;
        }
        task.records++;
        Repeats& repeats = task.configs[r.config];
        if (r.outcome == Outcome::kOk) repeats.samples.insert(r.samples);
        repeats.wrong = repeats.wrong || r.outcome == Outcome::kWrongResult;
      }
    }
  }
  for (const auto& [key, records] : tasks) {
    const auto& [workload_text, device_id, unit, hardware_text] = key;
    const auto workload = ParseWorkload(workload_text);
    const auto device = DeviceOf(device_id, records.device);
    if (!workload.ok() || !device.ok()) {
      data.unreadable += records.records;
      continue;
    }
    data.owned.push_back(std::make_unique<Task>(MakeTask(*workload, *device)));
    MeasuredTask measured{data.owned.back().get(), {}};
    for (const auto& [text, repeats] : records.configs) {
      const auto config = measured.task->space.Parse(text);
      if (config.ok()) {
        measured.measurements.push_back(MeasurementOf(*config, repeats));
      } else {
        data.unreadable++;
      }
    }
    data.records += records.records;
    data.tasks.push_back(std::move(measured));
  }
  return data;
}

MeasuredTask MeasuredTaskOf(const RecordedTask& space) {
  MeasuredTask measured{&space.task, {}};
  for (size_t i = 0; i < space.valid.size(); i++) {
    const RecordedResult& r = space.results[i];
    measured.measurements.push_back(
        {space.task.space.config_at(space.valid[i]), r.outcome == Outcome::kOk, r.value});
  }
  return measured;
}

absl::Status AddRecordedSpaces(const std::vector<std::string>& files, ModelData& data) {
  for (const std::string& file : files) {
    const auto space = ReadRecordedSpace(file);
    if (!space.ok()) return space.status();
    auto bound = BindRecordedSpace(*space, file);
    if (!bound.ok()) return bound.status();
    MeasuredTask measured = MeasuredTaskOf(*bound);
    data.owned.push_back(std::make_unique<Task>(std::move(bound->task)));
    measured.task = data.owned.back().get();
    data.records += static_cast<int64_t>(measured.measurements.size());
    data.tasks.push_back(std::move(measured));
  }
  return absl::OkStatus();
}

}  // namespace halyard
