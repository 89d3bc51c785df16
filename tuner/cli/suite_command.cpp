// tune suite FILE: many tasks, one budget, one library. tune --model net.onnx is one of these.

#include <chrono>
#include <iostream>

#include "fmt/format.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/listed_tasks.h"
#include "tuner/cli/options.h"
#include "tuner/cli/suite_run.h"
#include "tuner/cli/suite_spec.h"
#include "tuner/cli/tune_setup.h"

namespace halyard {
namespace {

namespace po = boost::program_options;
using Clock = std::chrono::steady_clock;

// Of each task, where there is neither --trials nor --time; a budget for all of them.
constexpr int kTrialsPerTask = 128;
struct Arguments {
  std::string file, device, board;
  NetworkOptions network;
  SearchOptions search;
  bool list = false;
};

po::options_description Options(Arguments& a) {
  po::options_description d(
      "tune suite FILE.toml [--list] [--json]\n"
      "tune suite FILE --device ID|FILE [options]",
      79, 40);
  auto add = d.add_options();
  add("file", po::value(&a.file),
      "a suite: night.toml, of devices, workloads and a budget; or workloads, one a line: OP "
      "SHAPE, "
      "and `# xN` where a network calls it N times; or a network, net.onnx");
  add("device", po::value(&a.device), kDeviceHelp);
  AddBoardOption(d, a.board);
  AddNetworkOptions(d, a.network);
  add("list", po::bool_switch(&a.list),
      "only print what there is to tune, and of a network what is left to other code; with "
      "--device "
      "the times that the log has");
  AddSearchOptions(d,
                   fmt::format("trials of all tasks in the log, earlier runs' included (default {} "
                               "times the tasks; no limit with --time)",
                               kTrialsPerTask),
                   a.search);
  add("help,h", "print this");
  return d;
}

// Of a list or a network on one device.
SuiteSpec SpecOf(const Arguments& a, const Device& device, Listing listing) {
  SuiteSpec spec;
  spec.file = a.file;
  spec.devices.push_back({device, a.search.farm});
  for (const ListedWorkload& w : listing.tasks) spec.tasks.push_back({0, w.workload, w.count});
  spec.options = a.search.tune;
  if (listing.network) spec.networks.push_back(std::move(listing));
  return spec;
}

// --list. A log that is not there is only missed where it was asked for.
int PrintListing(const Arguments& a, const std::optional<Device>& device, Listing listing,
                 bool log_given) {
  if (device) {
    const auto log = OpenSqliteLog(a.search.tune.log_path, LogMode::kRead);
    if (!log.ok() && (log_given || !absl::IsNotFound(log.status()))) return Fail(log.status());
    if (log.ok()) {
      auto times = BestMilliseconds(**log, *device, listing.tasks);
      if (!times.ok()) return Fail(times.status());
      listing.device = device->id;
      listing.best_ms = *std::move(times);
    }
  }
  std::cout << (a.search.tune.json ? ListingJson(listing).dump(2) + "\n" : ListingText(listing));
  return kExitDone;
}

// --list of a suite's file: each device's part of it.
int ListSuite(const SuiteSpec& suite, bool json) {
  nlohmann::json all = nlohmann::json::array();
  std::string text;
  for (size_t i = 0; i < suite.devices.size(); i++) {
    Listing listing{suite.file, {}, std::nullopt, suite.devices[i].device.id};
    for (const SuiteTask& t : suite.tasks) {
      if (t.device == i) listing.tasks.push_back({t.workload, t.calls});
    }
    all.push_back(ListingJson(listing));
    text += (i > 0 ? "\n" : "") + ListingText(listing);
  }
  for (const Listing& l : suite.networks)
    text += "\n  " + l.file + "\n" + NotCoveredText(*l.network);
  std::cout << (json ? all.dump(2) + "\n" : text);
  return kExitDone;
}

// What a suite's file says itself may not be said beside it.
int SuiteOfFile(const po::variables_map& given, const Arguments& a, Clock::time_point begin) {
  for (const auto& [name, value] : given) {
    if (value.defaulted() || name == "file" || name == "list" || name == "json") continue;
    return Fail(kExitUsage, fmt::format("--{} beside '{}': say it in the file, which has the "
                                        "devices, the budget and the rest",
                                        name, a.file));
  }
  const auto spec = SpecFromFile(a.file);
  if (!spec.ok()) return Fail(spec.status());
  if (a.list) return ListSuite(*spec, a.search.tune.json);
  if (auto s = CheckWritableFolder(spec->options.out_dir); !s.ok()) return Fail(s);
  return RunSuite(*spec, a.search.tune.json, begin);
}

}  // namespace

int SuiteCommand(const std::vector<std::string>& args) {
  const auto begin = Clock::now();
  Arguments a;
  const po::options_description options = Options(a);
  po::positional_options_description positional;
  positional.add("file", 1);
  const auto given = ParseOptions(args, options, positional, "tune suite");
  if (!given.ok()) return Fail(given.status());
  if (given->count("help") != 0 || args.empty()) {
    std::cout << options;
    return kExitDone;
  }
  if (IsSuiteFile(a.file)) return SuiteOfFile(*given, a, begin);
  if (auto s = CheckSearchOptions(*given, a.search); !s.ok()) return Fail(s);
  if (a.file.empty()) {
    return Fail(kExitUsage,
                "the file is missing; give a suite, night.toml, one of lines such as "
                "gemm 128x768x768  # x12, or a network, net.onnx");
  }
  std::optional<Device> device;
  if (!a.list || !a.device.empty()) {
    auto found = DeviceFromOption(a.device, a.board);
    if (!found.ok()) return Fail(found.status());
    device = *std::move(found);
  }
  const auto listing = ReadListing(a.file, a.network);
  if (!listing.ok()) return Fail(listing.status());
  if (a.list) return PrintListing(a, device, *listing, !(*given)["log"].defaulted());
  if (given->count("trials") == 0 && !a.search.tune.time_seconds) {
    a.search.tune.trials = kTrialsPerTask * static_cast<int>(listing->tasks.size());
  }
  if (auto s = CheckWritableFolder(a.search.tune.out_dir); !s.ok()) return Fail(s);
  return RunSuite(SpecOf(a, *device, *listing), a.search.tune.json, begin);
}

}  // namespace halyard
