#include "tuner/cli/tune_setup.h"

#include <iostream>
#include <limits>

#include "absl/strings/str_join.h"
#include "fmt/format.h"
#include "tuner/cli/cli.h"
#include "tuner/doctor/doctor.h"
#include "tuner/task_records.h"

namespace halyard {

namespace po = boost::program_options;

std::shared_ptr<const BaseModel> BaseModelOf(const TuneOptions& options) {
  if (options.model == "none") return nullptr;
  const std::string path = options.model.empty() ? ShippedModelPath() : options.model;
  auto model = LoadBaseModel(path);
  if (model.ok()) return *std::move(model);
  const bool none_shipped = options.model.empty() && absl::IsNotFound(model.status());
  if (!none_shipped) {
    std::cerr << "tune: " << model.status().message() << "; the search goes on without\n";
  }
  return nullptr;
}

void AddSearchOptions(po::options_description& description, const std::string& trials,
                      SearchOptions& options) {
  TuneOptions& o = options.tune;
  auto add = description.add_options();
  add("trials", po::value(&o.trials), trials.c_str());
  add("time", po::value(&options.time), "wall time of the whole command: 90s, 10m, 1h30m");
  add("stop-gain",
      po::value(&options.stop_gain_percent)
          ->default_value(options.stop_gain_percent,
                          fmt::format("{:g}", options.stop_gain_percent)),
      fmt::format("a search ends when {} more trials are expected to bring less than this many "
                  "percent; 0: never for that",
                  kForecastTrials)
          .c_str());
  add("strategy", po::value(&o.strategy)->default_value("sa"),
      "sa (annealing over a learned model), random, grid, genetic");
  add("seed", po::value(&o.seed)->default_value(1), "seed of proposals and inputs");
  add("log", po::value(&o.log_path)->default_value("tuned.db"), "measurement log");
  add("out", po::value(&o.out_dir)->default_value("out"), "folder of the libraries");
  add("model", po::value(&o.model),
      "base model of the search: a file, or none (default: the one shipped with the program)");
  add("json", po::bool_switch(&o.json), "print one JSON object instead of the table");
  AddFarmOptions(description, options.farm);
}

absl::Status CheckSearchOptions(const po::variables_map& given, SearchOptions& options) {
  TuneOptions& o = options.tune;
  if (MakeStrategy(o.strategy, 0) == nullptr) {
    return absl::InvalidArgumentError(fmt::format("--strategy '{}' is not known; give one of {}",
                                                  o.strategy,
                                                  absl::StrJoin(StrategyNames(), ", ")));
  }
  if (!options.time.empty()) {
    const auto seconds = ParseDuration(options.time);
    if (!seconds.ok()) {
      return absl::InvalidArgumentError("--time " + std::string(seconds.status().message()));
    }
    o.time_seconds = *seconds;
    if (given.count("trials") == 0) o.trials = std::numeric_limits<int>::max();
  }
  if (o.trials < 1) {
    return absl::InvalidArgumentError(fmt::format("--trials is {}; give 1 or more", o.trials));
  }
  if (!(options.stop_gain_percent >= 0 && options.stop_gain_percent < 100)) {
    return absl::InvalidArgumentError(
        fmt::format("--stop-gain is {}; give a number of percent from 0 to less than 100, such as "
                    "{:g}",
                    options.stop_gain_percent, 100 * kDefaultStopGain));
  }
  o.stop_gain = options.stop_gain_percent / 100;
  return CheckFarmOptions(options.farm);
}

absl::StatusOr<Boards> SetUpBoards(const Device& device, const FarmOptions& farm,
                                   const std::string& label, Builder& builder,
                                   const std::atomic<bool>& interrupted) {
  Boards boards;
  if (farm.address.empty()) {
    auto executor = MakeExecutor(device);
    if (!executor.ok()) return executor.status();
    boards.executors.push_back(*std::move(executor));
  } else {
    auto executors = FarmExecutors(device, farm, label, interrupted);
    if (!executors.ok()) return executors.status();
    boards.executors = *std::move(executors);
  }
  Executor& first = *boards.executors.front();
  if (auto s = ShortExamination(device, first, builder); !s.ok()) return s;
  const auto peak = MeasurePeak(first, device);
  if (!peak.ok()) return peak.status();
  boards.peak = *peak;
  return boards;
}

absl::StatusOr<std::unique_ptr<MeasurementLog>> OpenSearchLog(const std::string& path,
                                                              const std::vector<Device>& devices) {
  auto log = OpenSqliteLog(path, LogMode::kWrite);
  if (!log.ok()) return log.status();
  for (const Device& device : devices) {
    const auto note = OtherHardwareNote(**log, device);
    if (!note.ok()) return note.status();
    if (!note->empty()) fmt::print(stderr, "tune: '{}': {}\n", path, *note);
  }
  return log;
}

absl::StatusOr<Equipment> SetUpEquipment(const Device& device, const SearchOptions& options,
                                         const std::string& label,
                                         const std::atomic<bool>& interrupted) {
  Equipment equipment;
  auto builder = MakeWorkerBuilder({});
  if (!builder.ok()) return builder.status();
  equipment.builder = *std::move(builder);
  auto boards = SetUpBoards(device, options.farm, label, *equipment.builder, interrupted);
  if (!boards.ok()) return boards.status();
  equipment.boards = *std::move(boards);
  auto log = OpenSearchLog(options.tune.log_path, {device});
  if (!log.ok()) return log.status();
  equipment.log = *std::move(log);
  equipment.base_model = BaseModelOf(options.tune);
  return equipment;
}

Workbench BenchOf(const Task& task, const TuneOptions& options, const Boards& boards,
                  Builder& builder, MeasurementLog& log,
                  std::shared_ptr<const BaseModel> base_model,
                  const std::atomic<bool>& interrupted) {
  Workbench bench{
      task, options, builder, *boards.executors.front(), log, interrupted, std::move(base_model)};
  for (size_t i = 1; i < boards.executors.size(); ++i) {
    bench.more_boards.push_back(boards.executors[i].get());
  }
  bench.peak = boards.peak;
  return bench;
}

std::string NothingFound(const SearchResult& search) {
  std::string message =
      fmt::format("no valid schedule was found in {} trials", search.trials.size());
  int most = 0;
  std::string cause;
  for (const auto& [text, count] : search.failures) {
    if (count > most) cause = text;
    most = std::max(most, count);
  }
  return cause.empty() ? message : fmt::format("{}; most often: {}", message, cause);
}

}  // namespace halyard
