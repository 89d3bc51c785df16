#include <algorithm>
#include <chrono>
#include <iostream>
#include <thread>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/options.h"
#include "tuner/model_data.h"
#include "tuner/replay/held_out_models.h"
#include "tuner/replay/replay_report.h"

namespace halyard {
namespace {

namespace po = boost::program_options;

struct Arguments {
  std::vector<std::string> files;
  std::string strategies, model;
  std::vector<std::string> held_out;
  int folds = 5;
  ReplayOptions options;
  bool json = false;
};

po::options_description Options(Arguments& a) {
  po::options_description d("tune replay FILE... [options]", 79, 40);
  auto add = d.add_options();
  add("file", po::value(&a.files), "recorded spaces (tune record makes them)");
  add("strategy", po::value(&a.strategies)->default_value(absl::StrJoin(ReplayStrategies(), ",")),
      "strategies to compare");
  add("seeds", po::value(&a.options.seeds)->default_value(20), "searches of each strategy");
  add("trials", po::value(&a.options.trials)->default_value(256), "trials of one search");
  add("model", po::value(&a.model)->default_value("none"),
      "base model of our strategies: a file, or none; one that was not trained on these spaces");
  add("hold-out", po::value(&a.held_out)->multitoken(),
      "measurement logs: train the base model of each space on them and on the other "
      "spaces, without what has the space's loops");
  add("folds", po::value(&a.folds)->default_value(5),
      "--hold-out: trainings that share the spaces");
  add("json", po::bool_switch(&a.json), "print one JSON object instead of tables");
  add("together", "how one budget may be dealt to the spaces: tune replay --together --help");
  add("stops", "what stopping searches early loses and saves: tune replay --stops --help");
  add("help,h", "print this");
  return d;
}

absl::Status Check(Arguments& a) {
  if (a.files.empty()) {
    return absl::InvalidArgumentError("no file; give recorded spaces that tune record made");
  }
  const std::vector<std::string> known = ReplayStrategies();
  a.options.strategies = absl::StrSplit(a.strategies, ',', absl::SkipEmpty());
  if (a.options.strategies.empty()) a.options.strategies = {a.strategies};
  for (const std::string& name : a.options.strategies) {
    if (std::count(known.begin(), known.end(), name) == 0) {
      return absl::InvalidArgumentError(fmt::format("--strategy '{}' is not known; give some of {}",
                                                    name, absl::StrJoin(known, ", ")));
    }
  }
  const auto bounded = [](const char* option, int value, int most) {
    if (value >= 1 && value <= most) return absl::OkStatus();
    return absl::InvalidArgumentError(
        fmt::format("{} is {}; give a number from 1 to {}", option, value, most));
  };
  if (auto s = bounded("--folds", a.folds, 100); !s.ok()) return s;
  if (a.model != "none" && !a.held_out.empty()) {
    return absl::InvalidArgumentError("--model and --hold-out are two base models; give one");
  }
  if (auto s = bounded("--seeds", a.options.seeds, 100'000); !s.ok()) return s;
  return bounded("--trials", a.options.trials, 1'000'000);
}

// The base model of each space. REQUIRES: a.options.base_models holds --model's, if there is one.
absl::Status ShareModels(Arguments& a, const std::vector<RecordedTask>& spaces) {
  if (!a.options.base_models.empty()) {
    a.options.base_models.assign(spaces.size(), a.options.base_models.front());
  }
  if (a.held_out.empty()) return absl::OkStatus();
  const auto logged = LoadModelData(a.held_out);
  if (!logged.ok()) return logged.status();
  auto models = HeldOutModels(spaces, logged->tasks, a.folds, /*seed=*/1);
  if (!models.ok()) return models.status();
  a.options.base_models = *std::move(models);
  return absl::OkStatus();
}

int Replay(Arguments& a) {
  if (a.model != "none") {
    auto model = LoadBaseModel(a.model);
    if (!model.ok()) return Fail(kExitUsage, "--model: " + std::string(model.status().message()));
    a.options.base_models = {*std::move(model)};
  }
  const auto loaded = LoadRecordedTasks(a.files);
  if (!loaded.ok()) return Fail(loaded.status());
  const std::vector<RecordedTask>& spaces = *loaded;
  if (auto s = ShareModels(a, spaces); !s.ok()) return Fail(s);
  const auto begin = std::chrono::steady_clock::now();
  const int threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const auto curves = ReplayAll(spaces, a.options, threads);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  const ReplayReport report = Report(spaces, a.options, curves);
  std::cout << (a.json ? ReportJson(report).dump(2) + "\n" : ReportText(report));
  std::cout.flush();
  // Not with the figures, which are the same in every run.
  const double trials = static_cast<double>(spaces.size() * a.options.strategies.size()) *
                        a.options.seeds * a.options.trials;
  fmt::print(stderr, "{:.0f} trials replayed in {:.1f} s\n", trials, taken.count());
  return kExitDone;
}

}  // namespace

int ReplayCommand(const std::vector<std::string>& args) {
  const auto has = [&](const char* mode) { return std::count(args.begin(), args.end(), mode) > 0; };
  if (has("--together")) return TogetherCommand(args);
  if (has("--stops")) return StopsCommand(args);
  Arguments a;
  const po::options_description options = Options(a);
  po::positional_options_description positional;
  positional.add("file", -1);
  const auto given = ParseOptions(args, options, positional, "tune replay");
  if (!given.ok()) return Fail(given.status());
  if (given->count("help") != 0) {
    std::cout << options;
    return kExitDone;
  }
  if (auto s = Check(a); !s.ok()) return Fail(s);
  return Replay(a);
}

}  // namespace halyard
