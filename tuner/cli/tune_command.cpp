#include <atomic>
#include <boost/program_options.hpp>
#include <filesystem>
#include <iostream>
#include <limits>

#include "absl/strings/str_join.h"
#include "fmt/format.h"
#include "logs/measurement_log.h"
#include "rpc_farm/measure_peak.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/options.h"
#include "tuner/final.h"
#include "tuner/package.h"
#include "tuner/progress.h"
#include "tuner/summary.h"

namespace halyard {
namespace {

namespace po = boost::program_options;
using Clock = std::chrono::steady_clock;

struct Arguments {
  TaskOptions task;
  std::string time;
  TuneOptions options;
};

po::options_description Options(Arguments& a) {
  po::options_description d("tune --op OP --shape SHAPE --device ID [options]", 79, 40);
  auto add = d.add_options();
  AddTaskOptions(d, a.task);
  add("trials", po::value(&a.options.trials),
      "trials of this task in the log, earlier runs' included (default 256; no limit with --time)");
  add("time", po::value(&a.time), "wall time of the whole command: 90s, 10m, 1h30m");
  add("strategy", po::value(&a.options.strategy)->default_value("sa"),
      "sa (annealing over a learned model), random, grid, genetic");
  add("seed", po::value(&a.options.seed)->default_value(1), "seed of proposals and inputs");
  add("log", po::value(&a.options.log_path)->default_value("tuned.db"), "measurement log");
  add("out", po::value(&a.options.out_dir)->default_value("out"), "folder of the libraries");
  add("peer", po::value(&a.options.peer),
      "also measure Halide's autoscheduler in the final: adams2019 or none (default: adams2019 on "
      "host)");
  add("model", po::value(&a.options.model),
      "base model of the search: a file, or none (default: the one shipped with the program)");
  add("json", po::bool_switch(&a.options.json), "print one JSON object instead of the table");
  add("help,h", "print this");
  return d;
}

absl::Status Check(Arguments& a, const po::variables_map& given) {
  TuneOptions& o = a.options;
  if (MakeStrategy(o.strategy, 0) == nullptr) {
    return absl::InvalidArgumentError(fmt::format("--strategy '{}' is not known; give one of {}",
                                                  o.strategy,
                                                  absl::StrJoin(StrategyNames(), ", ")));
  }
  if (!a.time.empty()) {
    const auto seconds = ParseDuration(a.time);
    if (!seconds.ok()) {
      return absl::InvalidArgumentError("--time " + std::string(seconds.status().message()));
    }
    o.time_seconds = *seconds;
    if (given.count("trials") == 0) o.trials = std::numeric_limits<int>::max();
  }
  if (o.trials < 1) {
    return absl::InvalidArgumentError(fmt::format("--trials is {}; give 1 or more", o.trials));
  }
  if (o.peer.empty()) o.peer = a.task.device == "host" ? "adams2019" : "none";
  if (o.peer != "adams2019" && o.peer != "none") {
    return absl::InvalidArgumentError(
        fmt::format("--peer '{}' is not known; give adams2019 or none", o.peer));
  }
  if (o.peer == "adams2019" && a.task.device != "host") {
    return absl::InvalidArgumentError(
        "--peer adams2019 is timed on this machine; give it with --device host");
  }
  return absl::OkStatus();
}

// The share of a time budget kept for the final and the library.
double ReservedSeconds(const TuneOptions& o) {
  return o.time_seconds ? std::min(0.35 * *o.time_seconds, 80.0) : 30.0;
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

// A model that cannot be used costs a line, not the search: it goes on from scratch.
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

int Run(const Task& task, const TuneOptions& options, Clock::time_point begin) {
  auto executor = MakeExecutor(task.device);
  if (!executor.ok()) return Fail(executor.status());
  auto builder = MakeWorkerBuilder({});
  if (!builder.ok()) return Fail(builder.status());
  auto log = OpenSqliteLog(options.log_path, LogMode::kWrite);
  if (!log.ok()) return Fail(log.status());
  const auto peak = MeasurePeak(**executor, task.device);
  if (!peak.ok()) return Fail(peak.status());

  const std::atomic<bool>& interrupted = CatchInterrupts();
  const Roofline roofline = RooflineOf(task, *peak);
  const Workbench bench{task,  options,     **builder,           **executor,
                        **log, interrupted, BaseModelOf(options)};
  const double reserved = ReservedSeconds(options);
  double budget = std::numeric_limits<double>::infinity();
  if (options.time_seconds) {
    const std::chrono::duration<double> used = Clock::now() - begin;
    budget = std::max(1.0, *options.time_seconds - used.count() - reserved);
  }
  Progress progress(options, roofline, budget);
  const auto search = Search(bench, budget, progress);
  if (!search.ok()) {
    progress.Finish();
    return Fail(kExitInfrastructure, std::string(search.status().message()));
  }
  if (search->best() == nullptr) {
    progress.Finish();
    return Fail(kExitNothingValid, NothingFound(*search));
  }
  const auto final = RunFinal(bench, *search, 0.6 * reserved, progress);
  if (!final.ok()) {
    progress.Finish();
    return Fail(kExitInfrastructure, std::string(final.status().message()));
  }
  progress.OnPhase("library");
  const auto files = PackageFromLog(task.device, **log, **builder, options.out_dir);
  progress.Finish();
  if (!files.ok()) return Fail(files.status());

  const Summary summary{task,     options,        *search,       *final,
                        roofline, files->library, files->header, files->manifest};
  std::cout << (options.json ? SummaryJson(summary).dump(2) + "\n" : SummaryText(summary));
  std::cout.flush();
  return kExitDone;
}

}  // namespace

int TuneCommand(const std::vector<std::string>& args) {
  const auto begin = Clock::now();
  Arguments a;
  const po::options_description options = Options(a);
  const auto parsed = ParseOptions(args, options, {}, "tune");
  if (!parsed.ok()) return Fail(parsed.status());
  const po::variables_map& given = *parsed;
  if (given.count("help") != 0 || args.empty()) {
    std::cout << options
              << "\nother commands: tune devices, tune log best|stats|export|import, "
                 "tune model train|eval|show,\ntune package --device ID, tune explain (--help), "
                 "tune record (--help), tune replay (--help)\n";
    return kExitDone;
  }
  if (auto s = Check(a, given); !s.ok()) return Fail(s);
  const auto task = TaskFromOptions(a.task);
  if (!task.ok()) return Fail(task.status());
  if (auto s = CheckWritableFolder(a.options.out_dir); !s.ok()) return Fail(s);
  return Run(*task, a.options, begin);
}

}  // namespace halyard
