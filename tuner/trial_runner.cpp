#include "tuner/trial_runner.h"

#include <chrono>
#include <map>

#include "fmt/format.h"
#include "targets/device_snapshot.h"
#include "tuner/task_records.h"

namespace halyard {
namespace {

// A board that fails this often in a row is not coming back by itself.
constexpr int kMostLossesInARow = 8;

}  // namespace

Record RecordOf(const Workbench& bench, const Executor& executor, const Config& config) {
  Record r;
  r.workload = bench.task.workload.ToText();
  r.config = bench.task.space.ToText(config);
  r.space_version = bench.task.space.version();
  r.device = bench.task.device.id;
  r.board = executor.board_id();
  r.board_kind = executor.board_kind();
  r.unit = UnitOf(executor.board_kind());
  r.compiler = RecordedCompiler(bench.builder.compiler(), bench.task.device);
  r.protocol = SampleProtocol(r.board_kind);
  r.environment = executor.environment();
  r.seed = bench.options.seed;
  r.time_unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  r.peak_gflops = bench.peak.gflops;
  r.copy_gb_per_s = bench.peak.copy_gb_per_s;
  r.device_snapshot = std::make_shared<const std::string>(DeviceSnapshot(bench.task.device).dump());
  return r;
}

absl::StatusOr<std::vector<LoggedTrial>> LoggedTrials(const MeasurementLog& log, const Task& task,
                                                      const std::string& compiler) {
  auto records = log.Query(RecordsOfTask(task));
  if (!records.ok()) return records.status();
  std::vector<LoggedTrial> trials;
  for (Record& r : *records) {
    if (r.phase != "screening" || IsInfrastructure(r.outcome)) continue;
    if (r.protocol != SampleProtocol(r.board_kind)) continue;
    if (!compiler.empty() && r.compiler != compiler) continue;
    auto config = task.space.Parse(r.config);
    if (config.ok()) trials.push_back({*std::move(config), std::move(r)});
  }
  return trials;
}

absl::StatusOr<std::vector<LoggedTrial>> LoggedConfigs(const MeasurementLog& log, const Task& task,
                                                       const std::string& compiler) {
  auto trials = LoggedTrials(log, task, compiler);
  if (!trials.ok()) return trials.status();
  std::vector<LoggedTrial> configs;
  std::map<Config, size_t> place;
  for (LoggedTrial& t : *trials) {
    const auto [at, first] = place.try_emplace(t.config, configs.size());
    if (first) {
      configs.push_back(std::move(t));
      continue;
    }
    Record& known = configs[at->second].record;
    const bool ok = t.record.outcome == Outcome::kOk;
    if (known.outcome == Outcome::kWrongResult) continue;
    if (known.outcome == Outcome::kOk && ok) {
      known.samples.insert(known.samples.end(), t.record.samples.begin(), t.record.samples.end());
    } else if (ok || t.record.outcome == Outcome::kWrongResult) {
      known = std::move(t.record);
    }
  }
  return configs;
}

TrialRunner::TrialRunner(const Workbench& bench) : bench_(bench), executors_(bench.more_boards) {
  executors_.insert(executors_.begin(), &bench.executor);
  for (Executor* executor : executors_) {
    runners_.push_back(
        std::make_unique<CandidateRunner>(bench.task, *executor, bench.options.seed));
  }
}

std::vector<BuildResult> TrialRunner::Build(const std::vector<Config>& configs) {
  const Task& task = bench_.task;
  std::vector<BuildRequest> requests;
  for (const Config& c : configs) {
    requests.push_back({BuildKind::kConfig, task.workload.ToText(), task.space.ToText(c),
                        task.device.loaded_from});
  }
  return bench_.builder.Build(requests);
}

Record TrialRunner::Measure(size_t board, const Config& config, const BuildResult& built,
                            const TimingPolicy& policy) {
  MeasureResult m{built.outcome, built.message, {}, ""};
  if (m.outcome == Outcome::kOk) m = runners_[board]->Measure(config, built, policy);
  Record record = RecordOf(bench_, *executors_[board], config);
  record.outcome = m.outcome;
  record.message = m.message;
  record.samples = m.samples;
  record.checks = m.checks;
  record.artifact_sha256 = built.sha256;
  return record;
}

absl::StatusOr<Record> TrialRunner::Keep(Record measured) {
  std::vector<Record> one = {std::move(measured)};
  if (auto s = bench_.log.Append(one); !s.ok()) return s;
  losses_in_a_row_ = IsInfrastructure(one[0].outcome) ? losses_in_a_row_ + 1 : 0;
  if (losses_in_a_row_ >= kMostLossesInARow) {
    return absl::UnavailableError(
        fmt::format("the last {} trials were lost: {}", kMostLossesInARow, one[0].message));
  }
  return std::move(one[0]);
}

absl::StatusOr<std::vector<Record>> TrialRunner::MeasureTogether(
    const std::vector<Config>& configs, const std::vector<BuildResult>& built, int samples,
    double round_seconds) {
  const auto times = runners_.front()->Interleave(built, samples, round_seconds);
  std::vector<Record> records;
  for (size_t i = 0; times.ok() && i < configs.size(); i++) {
    Record r = RecordOf(bench_, bench_.executor, configs[i]);
    r.samples = (*times)[i];
    r.outcome = r.samples.empty() ? Outcome::kWrongResult : Outcome::kOk;
    r.message = r.samples.empty() ? "wrong when run again beside others" : "interleaved";
    if (r.outcome == Outcome::kOk) r.checks = "probe,poison,guards,finite,inputs";
    r.artifact_sha256 = built[i].sha256;
    records.push_back(std::move(r));
  }
  if (records.empty()) return records;
  if (auto s = bench_.log.Append(records); !s.ok()) return s;
  return records;
}

}  // namespace halyard
