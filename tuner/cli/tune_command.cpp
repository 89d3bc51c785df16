#include <atomic>
#include <boost/program_options.hpp>
#include <iostream>
#include <limits>

#include "fmt/format.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/listed_tasks.h"
#include "tuner/cli/options.h"
#include "tuner/cli/tune_setup.h"
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
  SearchOptions search;
};

po::options_description Options(Arguments& a) {
  po::options_description d("tune --op OP --shape SHAPE --device ID|FILE [options]", 79, 40);
  AddTaskOptions(d, a.task);
  AddSearchOptions(d,
                   "trials of this task in the log, earlier runs' included (default 256; no limit "
                   "with --time)",
                   a.search);
  auto add = d.add_options();
  add("peer", po::value(&a.search.tune.peer),
      "also measure Halide's autoscheduler in the final: adams2019 or none (default: adams2019 on "
      "host)");
  add("help,h", "print this");
  return d;
}

absl::Status Check(Arguments& a, const po::variables_map& given) {
  if (auto s = CheckSearchOptions(given, a.search); !s.ok()) return s;
  std::string& peer = a.search.tune.peer;
  if (peer.empty()) peer = a.task.device == "host" ? "adams2019" : "none";
  if (peer != "adams2019" && peer != "none") {
    return absl::InvalidArgumentError(
        fmt::format("--peer '{}' is not known; give adams2019 or none", peer));
  }
  if (IsNetworkFile(a.search.tune.model)) {
    return absl::InvalidArgumentError(
        fmt::format("--model '{}' is a network, and is tuned whole; leave out --op and --shape",
                    a.search.tune.model));
  }
  if (peer == "adams2019" && a.task.device != "host") {
    return absl::InvalidArgumentError(
        "--peer adams2019 is timed on this machine; give it with --device host");
  }
  return absl::OkStatus();
}

// The share of a time budget kept for the final and the library.
double ReservedSeconds(const TuneOptions& o) {
  return o.time_seconds ? std::min(0.35 * *o.time_seconds, 80.0) : 30.0;
}

int Run(const Task& task, const SearchOptions& given, Clock::time_point begin) {
  const TuneOptions& options = given.tune;
  const std::atomic<bool>& interrupted = CatchInterrupts();
  const auto equipment =
      SetUpEquipment(task.device, given, "tune " + task.workload.ToText(), interrupted);
  if (!equipment.ok()) return Fail(equipment.status());
  const Roofline roofline = RooflineOf(task, equipment->boards.peak);
  const Workbench bench = BenchOf(task, options, equipment->boards, *equipment->builder,
                                  *equipment->log, equipment->base_model, interrupted);
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
  const auto files =
      PackageFromLog(task.device, *equipment->log, *equipment->builder, options.out_dir);
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
    std::cout
        << options
        << "\nother commands: tune devices, tune doctor --device ID, tune log "
           "best|stats|export|import, "
           "tune model train|eval|show,\ntune package --device ID, tune explain (--help), "
           "tune record (--help), tune replay (--help),\ntune suite FILE --device ID "
           "(--help), tune report LOG (--help),\nof a network: tune --model net.onnx --device ID\n";
    return kExitDone;
  }
  if (auto s = Check(a, given); !s.ok()) return Fail(s);
  const auto task = TaskFromOptions(a.task);
  if (!task.ok()) return Fail(task.status());
  if (auto s = CheckWritableFolder(a.search.tune.out_dir); !s.ok()) return Fail(s);
  return Run(*task, a.search, begin);
}

}  // namespace halyard
