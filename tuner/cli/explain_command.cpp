// tune explain: why the best config of a log, or one that is given, is good.

#include <algorithm>
#include <iostream>

#include "absl/strings/str_replace.h"
#include "fmt/format.h"
#include "logs/queries.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/options.h"
#include "tuner/explain/explanation.h"
#include "tuner/live_display.h"
#include "tuner/task_records.h"
#include "tuner/trial_runner.h"

namespace halyard {
namespace {

namespace po = boost::program_options;

constexpr int kFewestRounds = 5, kMostRounds = 100;

struct Arguments {
  TaskOptions task;
  std::string log, config, model;
  int rounds = 0;
  bool json = false;
};

po::options_description Options(Arguments& a) {
  po::options_description d("tune explain --op OP --shape SHAPE --device ID [options]", 79, 40);
  AddTaskOptions(d, a.task);
  auto add = d.add_options();
  add("log", po::value(&a.log)->default_value("tuned.db"),
      "log whose best config of the task is explained; it is read, not written");
  add("config", po::value(&a.config),
      "explain this one instead: knob=value,knob=value,... or the text that the log has");
  add("model", po::value(&a.model),
      "base model of the search: a file, or none (default: the one shipped with the program)");
  add("rounds", po::value(&a.rounds)->default_value(15),
      "interleaved rounds in which each change is timed beside the config, 5 to 100");
  add("json", po::bool_switch(&a.json), "print one JSON object instead of the text");
  add("help,h", "print this");
  return d;
}

// What the log knows of the task.
struct Known {
  std::vector<Trial> trials;   // different configs, in the order of their screenings
  std::optional<Record> best;  // of the task's space as it is now
  bool older_space = false;    // there are records, but of another version of it
  std::string other_hardware;  // OtherHardwareNote
  std::string path;            // "" where there is no log
};

absl::StatusOr<Known> ReadLog(const std::string& path, const Task& task) {
  const auto log = OpenSqliteLog(path, LogMode::kRead);
  if (!log.ok()) return log.status();
  Known known;
  known.path = path;
  RecordFilter filter = RecordsOfTask(task);
  filter.space_version.reset();
  const auto all = (*log)->Count(filter);
  if (!all.ok()) return all.status();
  filter.space_version = task.space.version();
  const auto current = (*log)->Count(filter);
  if (!current.ok()) return current.status();
  known.older_space = *current < *all;
  auto note = OtherHardwareNote(**log, task.device);
  if (!note.ok()) return note.status();
  known.other_hardware = *std::move(note);
  auto best = BestRecords(**log, filter);
  if (!best.ok()) return best.status();
  if (!best->empty()) known.best = std::move(best->front());
  const auto logged = LoggedConfigs(**log, task);
  if (!logged.ok()) return logged.status();
  for (const auto& [config, record] : *logged) {
    const bool ok = record.outcome == Outcome::kOk;
    known.trials.push_back({config, ok, ok ? record.value() : 0});
  }
  return known;
}

// `from`: what messages call it. InvalidArgument: one line on what is wrong with it.
absl::StatusOr<Config> ConfigFrom(const std::string& text, const std::string& from,
                                  const Task& task) {
  auto config = task.space.Parse(absl::StrReplaceAll(text, {{",", " "}}));
  if (!config.ok()) {
    return absl::InvalidArgumentError(fmt::format("{}: {}; give every knob as in \"{}\"", from,
                                                  std::string(config.status().message()),
                                                  task.space.ToText(task.space.safe())));
  }
  Config canonical = task.space.canonical(*std::move(config));
  if (const std::string why = task.space.why_invalid(canonical); !why.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("{} is not valid for {}: {}; give one such as \"{}\" with --config", from,
                    task.key(), why, task.space.ToText(task.space.safe())));
  }
  return canonical;
}

// The form of the command that would log the task.
std::string TuneCommandOf(const Arguments& a) {
  return fmt::format("./tune --op {} --shape {} --device {} --log {}", a.task.op, a.task.shape,
                     a.task.device, a.log);
}

absl::StatusOr<std::shared_ptr<const BaseModel>> ModelFrom(const std::string& name) {
  if (name == "none") return nullptr;
  auto model = LoadBaseModel(name.empty() ? ShippedModelPath() : name);
  if (model.ok()) return model;
  if (!name.empty()) {
    return absl::InvalidArgumentError("--model: " + std::string(model.status().message()));
  }
  // As in a search: a shipped model that is not there or of no use costs a line.
  if (!absl::IsNotFound(model.status())) {
    std::cerr << "tune: " << model.status().message() << "; going on without\n";
  }
  return nullptr;
}

// The best ones first.
std::vector<Config> GoodOnes(std::vector<Trial> trials) {
  std::erase_if(trials, [](const Trial& t) { return !t.ok; });
  std::stable_sort(trials.begin(), trials.end(),
                   [](const Trial& a, const Trial& b) { return a.value < b.value; });
  std::vector<Config> configs;
  for (Trial& t : trials) configs.push_back(std::move(t.config));
  return configs;
}

int Explain(const Arguments& a, const Task& task, const Config& config, const Known& known,
            std::shared_ptr<const BaseModel> model) {
  auto executor = MakeExecutor(task.device);
  if (!executor.ok()) return Fail(executor.status());
  auto builder = MakeWorkerBuilder({});
  if (!builder.ok()) return Fail(builder.status());
  const auto peak = MeasurePeak(**executor, task.device);
  if (!peak.ok()) return Fail(peak.status());

  const bool from_log = a.config.empty();
  const std::vector<KnobAblations> knobs =
      ChooseAblations(task.space, config, GoodOnes(known.trials));
  StudyBench bench{task, **builder, **executor, CatchInterrupts()};
  bench.rounds = a.rounds;
  // The inputs that it was measured with, so that nothing but the change differs.
  if (from_log) bench.seed = known.best->seed;
  absl::StatusOr<AblationStudy> study;
  {
    LiveDisplay display;
    study =
        StudyAblations(bench, config, knobs, [&](const std::string& what) { display.Show(what); });
  }
  if (absl::IsFailedPrecondition(study.status())) {
    return Fail(kExitNothingValid, std::string(study.status().message()));
  }
  if (!study.ok()) return Fail(study.status());
  const auto reasons = ExplainByModel(task, config, known.trials, bench.seed, std::move(model));
  const Explanation explanation{task,
                                *study,
                                knobs,
                                reasons,
                                RooflineOf(task, *peak),
                                known.path,
                                from_log ? known.best->id : 0};
  std::cout << (a.json ? ExplanationJson(explanation).dump(2) + "\n"
                       : ExplanationText(explanation));
  std::cout.flush();
  return kExitDone;
}

}  // namespace

int ExplainCommand(const std::vector<std::string>& args) {
  Arguments a;
  const po::options_description options = Options(a);
  const auto given = ParseOptions(args, options, {}, "tune explain");
  if (!given.ok()) return Fail(given.status());
  if (given->count("help") != 0) {
    std::cout << options;
    return kExitDone;
  }
  const auto task = TaskFromOptions(a.task);
  if (!task.ok()) return Fail(task.status());
  if (a.rounds < kFewestRounds || a.rounds > kMostRounds) {
    return Fail(kExitUsage, fmt::format("--rounds is {}; give a number from {} to {}", a.rounds,
                                        kFewestRounds, kMostRounds));
  }
  auto model = ModelFrom(a.model);
  if (!model.ok()) return Fail(model.status());

  auto known = ReadLog(a.log, *task);
  // A config that is given can do without a log that was not.
  const bool needed = a.config.empty() || !(*given)["log"].defaulted();
  if (!known.ok() && (needed || !absl::IsNotFound(known.status()))) return Fail(known.status());
  if (!known.ok()) known = Known{};
  if (a.config.empty() && !known->best) {
    return Fail(kExitNothingValid,
                fmt::format("'{}' has no ok record of {}{}{}; {} gives it one", a.log, task->key(),
                            known->older_space ? " in its space as it is now, only older ones" : "",
                            known->other_hardware.empty() ? "" : " (" + known->other_hardware + ")",
                            TuneCommandOf(a)));
  }
  if (!known->other_hardware.empty()) {
    fmt::print(stderr, "tune: '{}': {}\n", a.log, known->other_hardware);
  }
  const auto config =
      a.config.empty() ? ConfigFrom(known->best->config,
                                    fmt::format("record {} of '{}'", known->best->id, a.log), *task)
                       : ConfigFrom(a.config, "--config", *task);
  if (!config.ok()) return Fail(config.status());
  return Explain(a, *task, *config, *known, *std::move(model));
}

}  // namespace halyard
