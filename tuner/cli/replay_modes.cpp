// tune replay --together and --stops: what else recorded spaces can tell than which strategy is
// best.

#include <algorithm>
#include <iostream>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/options.h"
#include "tuner/replay/stop_report.h"
#include "tuner/replay/together.h"

namespace halyard {
namespace {

namespace po = boost::program_options;

// Of both modes.
struct Arguments {
  std::vector<std::string> files;
  std::string strategy, model;
  int seeds = 0, trials = 0;
  bool json = false;
};

void AddOptions(po::options_description& d, int trials, const char* trials_help, Arguments& a) {
  auto add = d.add_options();
  add("file", po::value(&a.files), "recorded spaces (tune record makes them)");
  add("trials", po::value(&a.trials)->default_value(trials), trials_help);
  add("seeds", po::value(&a.seeds)->default_value(20), "searches of each space");
  add("strategy", po::value(&a.strategy)->default_value("sa"), "of the searches");
  add("model", po::value(&a.model)->default_value("none"),
      "base model of the searches: a file, or none; one that was not trained on these spaces");
  add("json", po::bool_switch(&a.json), "print one JSON object instead of tables");
  add("help,h", "print this");
}

absl::Status Check(const Arguments& a, int fewest_trials) {
  if (a.files.empty()) {
    return absl::InvalidArgumentError("no file; give recorded spaces that tune record made");
  }
  const std::vector<std::string> known = ReplayStrategies();
  if (std::count(known.begin(), known.end(), a.strategy) == 0) {
    return absl::InvalidArgumentError(fmt::format("--strategy '{}' is not known; give one of {}",
                                                  a.strategy, absl::StrJoin(known, ", ")));
  }
  const auto bounded = [](const char* option, int value, int least, int most) {
    if (value >= least && value <= most) return absl::OkStatus();
    return absl::InvalidArgumentError(
        fmt::format("{} is {}; give a number from {} to {}", option, value, least, most));
  };
  if (auto s = bounded("--seeds", a.seeds, 1, 100'000); !s.ok()) return s;
  return bounded("--trials", a.trials, fewest_trials, 1'000'000);
}

absl::StatusOr<std::shared_ptr<const BaseModel>> ModelOf(const Arguments& a) {
  if (a.model == "none") return nullptr;
  auto model = LoadBaseModel(a.model);
  if (model.ok()) return model;
  return absl::InvalidArgumentError("--model: " + std::string(model.status().message()));
}

absl::StatusOr<std::vector<double>> WeightsOf(const std::string& text, size_t files) {
  std::vector<double> weights(files, 1);
  if (text.empty()) return weights;
  const std::vector<std::string> texts = absl::StrSplit(text, ',');
  if (texts.size() != files) {
    return absl::InvalidArgumentError(fmt::format(
        "--weights has {} numbers; give one for each of the {} files", texts.size(), files));
  }
  for (size_t i = 0; i < texts.size(); i++) {
    if (!absl::SimpleAtod(texts[i], &weights[i]) || !(weights[i] > 0 && weights[i] < 1e9)) {
      return absl::InvalidArgumentError(fmt::format(
          "--weights: '{}' is not a weight; give numbers above 0, such as 12,1,4", texts[i]));
    }
  }
  return weights;
}

int Threads() { return static_cast<int>(std::max(1u, std::thread::hardware_concurrency())); }

int Print(const std::string& text) {
  std::cout << text;
  std::cout.flush();
  return kExitDone;
}

}  // namespace

int TogetherCommand(const std::vector<std::string>& args) {
  Arguments a;
  std::string weights;
  double percent = 0;
  po::options_description d("tune replay --together FILE... [options]", 79, 40);
  auto add = d.add_options();
  add("together", "compares dealing batches by their worth, in turns, and one task after another");
  add("weights", po::value(&weights), "calls of each file's task: 12,1,4 (default: 1 each)");
  add("stop-gain", po::value(&percent)->default_value(0),
      "percent; a task is finished as with tune --stop-gain");
  AddOptions(d, 128, "largest budget, of a task on the average", a);
  po::positional_options_description positional;
  positional.add("file", -1);
  const auto given = ParseOptions(args, d, positional, "tune replay --together");
  if (!given.ok()) return Fail(given.status());
  if (given->count("help") != 0) return std::cout << d, kExitDone;
  if (auto s = Check(a, kTogetherTrials[0]); !s.ok()) return Fail(s);
  if (!(percent >= 0 && percent < 100)) {
    return Fail(kExitUsage,
                fmt::format("--stop-gain is {}; give percent, 0 to less than 100", percent));
  }
  const auto weight_of = WeightsOf(weights, a.files.size());
  if (!weight_of.ok()) return Fail(weight_of.status());
  const auto model = ModelOf(a);
  if (!model.ok()) return Fail(model.status());
  const auto spaces = LoadRecordedTasks(a.files);
  if (!spaces.ok()) return Fail(spaces.status());
  const TogetherReport report = ReplayTogether(
      *spaces, {a.strategy, a.seeds, a.trials, percent / 100, *weight_of, *model}, Threads());
  return Print(a.json ? TogetherJson(report).dump(2) + "\n" : TogetherText(report));
}

int StopsCommand(const std::vector<std::string>& args) {
  Arguments a;
  po::options_description d("tune replay --stops FILE... [options]", 79, 40);
  d.add_options()("stops", "what forecasts of the gain are worth, and what stopping by them loses");
  AddOptions(d, 512, "of a search that does not stop", a);
  po::positional_options_description positional;
  positional.add("file", -1);
  const auto given = ParseOptions(args, d, positional, "tune replay --stops");
  if (!given.ok()) return Fail(given.status());
  if (given->count("help") != 0) return std::cout << d, kExitDone;
  if (auto s = Check(a, kForecastTrials + 1); !s.ok()) return Fail(s);
  const auto model = ModelOf(a);
  if (!model.ok()) return Fail(model.status());
  const auto spaces = LoadRecordedTasks(a.files);
  if (!spaces.ok()) return Fail(spaces.status());
  const StopReport report =
      ReplayStops(*spaces, {a.strategy, a.seeds, a.trials, *model}, Threads());
  return Print(a.json ? StopJson(report).dump(2) + "\n" : StopText(report));
}

}  // namespace halyard
