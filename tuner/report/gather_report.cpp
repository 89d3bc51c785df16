#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "logs/hardware_names.h"
#include "targets/device_snapshot.h"
#include "tuner/device_text.h"
#include "tuner/report/report.h"

namespace halyard {
namespace {

// The newest records without a pause of more than kSessionPauseMs. Times of imported records may
// run otherwise than their ids.
ReportSession SessionOf(const std::vector<Record>& records) {
  std::vector<int64_t> times;
  for (const Record& r : records) times.push_back(r.time_unix_ms);
  std::sort(times.begin(), times.end());
  size_t first = times.size() - 1;
  while (first > 0 && times[first] - times[first - 1] <= kSessionPauseMs) --first;
  ReportSession session;
  session.first_unix_ms = times[first];
  session.last_unix_ms = times.back();
  for (const Record& r : records) {
    if (r.time_unix_ms < session.first_unix_ms) continue;
    ++session.records;
    ++session.outcomes[r.outcome];
  }
  return session;
}

// The device as its records knew it, or, where they did not, as the file of that name has it now.
std::optional<Device> DeviceOf(const ReportTask& task) {
  for (auto r = task.records.rbegin(); r != task.records.rend(); ++r) {
    if ((*r)->device_snapshot == nullptr) continue;
    try {
      return DeviceFromSnapshot(nlohmann::json::parse(*(*r)->device_snapshot));
    } catch (const nlohmann::json::exception&) {
      break;  // of a program that knew other fields
    }
  }
  auto device = LoadDevice(task.key.device);
  return device.ok() ? std::optional(*std::move(device)) : std::nullopt;
}

std::optional<Peak> LoggedPeak(const ReportTask& task) {
  for (auto r = task.records.rbegin(); r != task.records.rend(); ++r) {
    if ((*r)->peak_gflops > 0) return Peak{(*r)->peak_gflops, (*r)->copy_gb_per_s};
  }
  return std::nullopt;
}

// The safe config's best record among those timed as the best one was.
const Record* SafeRecord(const ReportTask& report, const Task& task) {
  if (report.best == nullptr) return nullptr;
  const std::string safe = task.space.ToText(task.space.safe());
  const auto rank = [](const Record& r) { return std::pair(r.phase != "final", r.value()); };
  const Record* found = nullptr;
  for (const Record* r : report.records) {
    if (r->outcome != Outcome::kOk || r->space_version != task.space.version() ||
        r->protocol != report.best->protocol || r->config != safe) {
      continue;
    }
    if (found == nullptr || rank(*r) < rank(*found)) found = r;
  }
  return found;
}

std::string WithBlank(std::string workload) {
  if (const size_t colon = workload.find(':'); colon != std::string::npos) workload[colon] = ' ';
  if (workload.ends_with(":f32")) workload.resize(workload.size() - 4);
  return workload;
}

// What the workload and the device add to what the records say.
void AddSetting(ReportTask& report) {
  report.label = WithBlank(report.key.workload) + " on " + report.device_text;
  report.roofline.ns_per_unit = report.key.unit == "ns" ? 1 : 0;
  const std::optional<Device> device = DeviceOf(report);
  if (!device) return;
  if (report.key.unit != "ns" && device->clock_ghz > 0) {
    report.roofline.ns_per_unit = 1 / device->clock_ghz;
  }
  const auto workload = ParseWorkload(report.key.workload);
  if (!workload.ok()) return;
  const Task task = MakeTask(*workload, *device);
  std::optional<Peak> peak = LoggedPeak(report);
  if (!peak) peak = StatedPeak(*device);
  const double ns_per_unit = report.roofline.ns_per_unit;
  report.roofline = RooflineOf(task, peak.value_or(Peak{}));
  report.roofline.ns_per_unit = ns_per_unit;
  report.safe = SafeRecord(report, task);
  report.algorithm_knob = task.op->algorithm_knob();
}

// Tasks of the records in key order, each with its best of all and of those before the session.
std::vector<ReportTask> TasksOf(const std::vector<Record>& records, const ReportSession& session,
                                const HardwareNames& names) {
  RankingKeys keys;
  std::map<RankingKey, ReportTask> tasks;
  std::vector<Record> before;
  for (const Record& r : records) {
    ReportTask& task = tasks[keys.Of(r)];
    task.records.push_back(&r);
    ++task.outcomes[r.outcome];
    const bool in_session = r.time_unix_ms >= session.first_unix_ms;
    if (in_session) ++task.in_session;
    if (!in_session) before.push_back(r);
  }
  for (const TaskStats& stats : Stats(records)) {
    if (!stats.best) continue;
    ReportTask& task = tasks.at(stats.key);
    task.best = *std::find_if(task.records.begin(), task.records.end(),
                              [&](const Record* r) { return r->id == stats.best->id; });
  }
  for (const TaskStats& stats : Stats(before)) {
    if (stats.best) tasks.at(stats.key).best_before = stats.best->value();
  }
  std::vector<ReportTask> result;
  for (auto& [key, task] : tasks) {
    task.key = key;
    task.device_text = names.DeviceText(key.device, key.hardware);
    AddSetting(task);
    result.push_back(std::move(task));
  }
  return result;
}

void CountTasks(const std::vector<ReportTask>& tasks, ReportSession& session) {
  for (const ReportTask& task : tasks) {
    if (task.in_session == 0) continue;
    ++session.tasks;
    if (task.best != nullptr && !task.best_before) ++session.new_tasks;
    if (task.gain().value_or(0) > 0) ++session.better_tasks;
  }
}

// Screenings of configs of which nothing was predicted. A second look at one is not predicted anew.
int64_t Unpredicted(const ReportTask& task) {
  std::set<std::string_view> predicted;
  for (const Record* r : task.records) {
    if (r->predicted_score) predicted.insert(r->config);
  }
  return std::count_if(task.records.begin(), task.records.end(), [&](const Record* r) {
    return r->phase == "screening" && !predicted.contains(r->config);
  });
}

std::vector<std::string> GapsOf(const Report& report) {
  const auto count = [&](auto has) {
    return std::count_if(report.records.begin(), report.records.end(), has);
  };
  const auto all = static_cast<int64_t>(report.records.size());
  std::vector<std::string> gaps;
  const auto say = [&](int64_t missing, const std::string& what) {
    if (missing > 0) gaps.push_back(fmt::format("{} of {} records {}", missing, all, what));
  };
  say(count([](const Record& r) { return r.device_snapshot == nullptr; }),
      "do not tell what the device was: an older Halyard made them, and they are taken as of the "
      "device that goes by their id");
  int64_t unpredicted = 0;
  for (const ReportTask& task : report.tasks) unpredicted += Unpredicted(task);
  say(unpredicted,
      "are screenings without a prediction: no model was asked, it ranked no better than chance, "
      "or "
      "an older Halyard made them");
  const auto roofless = std::count_if(report.tasks.begin(), report.tasks.end(),
                                      [](const ReportTask& t) { return !t.has_roof(); });
  if (roofless > 0) {
    gaps.push_back(
        fmt::format("{} of {} tasks have no roofline: their records are of an older Halyard or a "
                    "workload this one does not know, and the device file states no peak",
                    roofless, report.tasks.size()));
  }
  // A virtual board has none to tell.
  const auto real =
      std::count_if(report.boards.begin(), report.boards.end(),
                    [](const BoardReport& b) { return b.kind != BoardKind::kVirtual; });
  if (real > 0 && std::none_of(report.boards.begin(), report.boards.end(),
                               [](const BoardReport& b) { return b.hottest.has_value(); })) {
    gaps.emplace_back("No board told its temperature");
  }
  return gaps;
}

}  // namespace

std::optional<double> ReportTask::speed_up() const {
  if (best == nullptr || safe == nullptr || !(best->value() > 0)) return std::nullopt;
  return safe->value() / best->value();
}

std::optional<double> ReportTask::gain() const {
  if (best == nullptr || !best_before || !(*best_before > 0)) return std::nullopt;
  return 1 - best->value() / *best_before;
}

std::optional<double> Report::speed_up() const {
  double sum = 0;
  int count = 0;
  for (const ReportTask& task : tasks) {
    const auto speed_up = task.speed_up();
    if (speed_up) sum += std::log(*speed_up), ++count;
  }
  return count == 0 ? std::nullopt : std::optional(std::exp(sum / count));
}

absl::StatusOr<Report> GatherReport(const MeasurementLog& log, const std::string& log_name,
                                    int64_t made_unix_ms) {
  auto records = log.Query({});
  if (!records.ok()) return records.status();
  if (records->empty()) {
    return absl::NotFoundError(fmt::format(
        "log {} has no records; a search with --log {} gives it some", log_name, log_name));
  }
  const auto names = HardwareNames::Of(log);
  if (!names.ok()) return names.status();
  Report report;
  report.log = log_name;
  report.made_unix_ms = made_unix_ms;
  report.records = *std::move(records);
  report.session = SessionOf(report.records);
  report.tasks = TasksOf(report.records, report.session, *names);
  CountTasks(report.tasks, report.session);
  report.boards = BoardReports(report.records, report.session.first_unix_ms);
  report.gaps = GapsOf(report);
  return report;
}

}  // namespace halyard
