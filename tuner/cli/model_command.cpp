// tune model train|eval|show: the base model that searches start from.

#include <omp.h>

#include <chrono>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <set>

#include "absl/strings/str_join.h"
#include "cost_model/evaluation.h"
#include "fmt/chrono.h"
#include "fmt/format.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/options.h"
#include "tuner/model_data.h"

namespace halyard {
namespace {

namespace po = boost::program_options;

constexpr const char* kUsage =
    "give tune model train --log FILE... -o MODEL, tune model eval --log FILE... [--model MODEL] "
    "[--folds N] [--by task|device], or tune model show [MODEL]; --space FILE... in place of --log "
    "or "
    "beside it";

struct Arguments {
  std::string command, file, out, model, by;
  std::vector<std::string> logs, spaces;
  int folds = 5;
  uint64_t seed = 1;
  bool each = false;
};

void PrintLeftOut(const ModelData& data) {
  std::vector<std::string> out;
  auto add = [&](int64_t count, const char* what) {
    if (count > 0) out.push_back(fmt::format("{} {}", count, what));
  };
  add(data.other_phase, "of finals");
  add(data.other_protocol, "measured otherwise than today");
  add(data.older_space, "of an older space");
  add(data.infrastructure, "lost by the board");
  add(data.unreadable, "not readable by this program");
  fmt::print("{} records of {} tasks{}{}\n", data.records, data.tasks.size(),
             out.empty() ? "" : "; left out: ", absl::StrJoin(out, ", "));
}

// One of the rankings of `evaluation.h`, by operator and device; `tasks` counts those that have it.
void PrintScores(const char* title, const std::vector<TaskScore>& scores,
                 RankingScore MeanScore::*which, size_t MeanScore::*tasks) {
  fmt::print("\n  {:<38} {:>5} {:>6} {:>6} {:>8} {:>9}\n", title, "tasks", "pairs", "> 5 %",
             "Spearman", "best of 5");
  std::set<std::string> ops, devices;
  for (const TaskScore& s : scores) {
    ops.insert(s.op);
    devices.insert(s.device);
  }
  std::vector<std::string> rows(ops.begin(), ops.end());
  if (devices.size() > 1) rows.insert(rows.end(), devices.begin(), devices.end());
  rows.emplace_back();
  for (const std::string& group : rows) {
    const MeanScore mean = MeanOver(scores, group);
    const RankingScore& s = mean.*which;
    if (mean.*tasks == 0) continue;
    fmt::print("  {:<38} {:>5} {:>6.3f} {:>6.3f} {:>8.3f} {:>9.3f}\n",
               group.empty() ? "all" : group, mean.*tasks, s.pairs, s.clear_pairs, s.spearman,
               s.best_of_5);
  }
}

// A task a line: unseen, and after a few samples.
void PrintEach(const std::vector<TaskScore>& scores) {
  fmt::print("\n  {:<58} {:>7} {:>6} {:>8} {:>9} {:>8}\n", "task", "configs", "pairs", "Spearman",
             "best of 5", "after 20");
  for (const TaskScore& s : scores) {
    fmt::print("  {:<58} {:>7} {:>6.3f} {:>8.3f} {:>9.3f} {:>8.3f}\n", s.workload, s.configs,
               s.unseen.pairs, s.unseen.spearman, s.unseen.best_of_5,
               s.adapted.empty() ? std::nan("") : s.adapted.front().spearman);
  }
}

void PrintAllScores(const Arguments& a, const std::vector<TaskScore>& scores) {
  if (a.each) PrintEach(scores);
  PrintScores("no measurement of the task", scores, &MeanScore::unseen, &MeanScore::tasks);
  PrintScores("  of these, configs of several samples", scores, &MeanScore::steady,
              &MeanScore::steady_tasks);
  PrintScores("  of these, configs measured repeatedly", scores, &MeanScore::repeated,
              &MeanScore::repeated_tasks);
  PrintScores("20 random configs apart, not learned", scores, &MeanScore::not_adapted,
              &MeanScore::tasks);
  PrintScores("20 random configs learned", scores, &MeanScore::adapted, &MeanScore::tasks);
}

// Features and predictions of random configs, as annealing asks for them.
void PrintSpeed(const ModelData& data, const BaseModel& model) {
  using Clock = std::chrono::steady_clock;
  constexpr size_t kBatch = 4096, kBatches = 8;
  const Task& task = *data.tasks.front().task;
  const FeatureExtractor features(task);
  std::mt19937_64 rng(1);
  std::vector<Config> configs;
  for (size_t tries = 0; configs.size() < kBatch && tries < 16 * kBatch; tries++) {
    if (auto c = task.space.Random(rng)) configs.push_back(*std::move(c));
  }
  double rows_seconds = 0, predict_seconds = 0;
  for (size_t i = 0; i < kBatches; i++) {
    const auto begin = Clock::now();
    const FeatureMatrix matrix = features.Matrix(configs);
    const auto middle = Clock::now();
    model.trees.Predict(matrix);
    rows_seconds += std::chrono::duration<double>(middle - begin).count();
    predict_seconds += std::chrono::duration<double>(Clock::now() - middle).count();
  }
  const auto rows = static_cast<double>(kBatches * configs.size());
  fmt::print("\n  {:.0f} configs a second on {} threads: features {:.2f} us, {} trees {:.2f} us\n",
             rows / (rows_seconds + predict_seconds), omp_get_max_threads(),
             1e6 * rows_seconds / rows, model.trees.trees(), 1e6 * predict_seconds / rows);
}

absl::StatusOr<BaseModel> TrainOn(const ModelData& data, uint64_t seed) {
  auto model = TrainBaseModel(data.tasks, seed);
  if (!model.ok()) return model;
  model->provenance.records = data.records;
  model->provenance.date = fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr)));
  return model;
}

std::vector<int> FoldsOf(const Arguments& a, const ModelData& data) {
  return a.by == "device" ? FoldsByDevice(data.tasks) : AssignFolds(data.tasks, a.folds, a.seed);
}

int Train(const Arguments& a, const ModelData& data) {
  const auto scores = CrossValidate(data.tasks, FoldsOf(a, data), a.seed);
  if (!scores.ok()) return Fail(scores.status());
  auto model = TrainOn(data, a.seed);
  if (!model.ok()) return Fail(model.status());
  const MeanScore mean = MeanOver(*scores, "");
  model->provenance.metrics = {{"pairs", mean.unseen.pairs},
                               {"clear pairs", mean.unseen.clear_pairs},
                               {"Spearman", mean.unseen.spearman},
                               {"best of 5", mean.unseen.best_of_5}};
  if (const auto s = SaveBaseModel(*model, a.out); !s.ok()) return Fail(s);
  PrintAllScores(a, *scores);
  fmt::print("\n  model     {}\n", a.out);
  return kExitDone;
}

int Eval(const Arguments& a, const ModelData& data) {
  if (!a.model.empty()) {
    const auto model = LoadBaseModel(a.model);
    if (!model.ok()) return Fail(kExitUsage, std::string(model.status().message()));
    PrintAllScores(a, Evaluate(*model, data.tasks, a.seed));
    fmt::print("\n  tasks that the model was trained on score better than those to come\n");
    PrintSpeed(data, **model);
    return kExitDone;
  }
  const auto scores = CrossValidate(data.tasks, FoldsOf(a, data), a.seed);
  if (!scores.ok()) return Fail(scores.status());
  PrintAllScores(a, *scores);
  const auto model = TrainOn(data, a.seed);
  if (!model.ok()) return Fail(model.status());
  PrintSpeed(data, *model);
  return kExitDone;
}

int Show(const Arguments& a) {
  const std::string path = a.file.empty() ? ShippedModelPath() : a.file;
  const auto model = LoadBaseModel(path);
  if (!model.ok()) return Fail(kExitUsage, std::string(model.status().message()));
  const BaseModel::Provenance& p = (*model)->provenance;
  fmt::print("{}\n  trained   {} on {} records of {} tasks, devices {}\n", path, p.date, p.records,
             p.tasks, absl::StrJoin(p.devices, ", "));
  for (const auto& [op, count] : p.tasks_by_operator) fmt::print("  {:<9} {} tasks\n", op, count);
  fmt::print("  trees     {} in {} members, {} features of version {}\n", (*model)->trees.trees(),
             (*model)->trees.members(), kFeatureCount, kFeatureVersion);
  if (!p.metrics.empty()) fmt::print("  on held-out tasks\n");
  for (const auto& [name, value] : p.metrics) fmt::print("    {:<12} {:.3f}\n", name, value);
  return kExitDone;
}

}  // namespace

int ModelCommand(const std::vector<std::string>& args) {
  Arguments a;
  po::options_description options("tune model train|eval|show [options]", 79, 40);
  auto add = options.add_options();
  add("command", po::value(&a.command), "train, eval or show");
  add("file", po::value(&a.file), "show: the model (default: the one shipped with the program)");
  add("log", po::value(&a.logs)->multitoken(), "train, eval: measurement logs");
  add("space", po::value(&a.spaces)->multitoken(),
      "train, eval: recorded spaces, learned from as logs are");
  add("out,o", po::value(&a.out), "train: the file to write");
  add("model", po::value(&a.model), "eval: a model that is there, in place of cross-validation");
  add("folds", po::value(&a.folds)->default_value(5), "folds of the cross-validation, by task");
  add("by", po::value(&a.by)->default_value("task"),
      "eval: hold out task by task, or device by device");
  add("each", po::bool_switch(&a.each), "train, eval: figures of every task too");
  add("seed", po::value(&a.seed)->default_value(1), "seed of folds and training");
  add("help,h", "print this");
  po::positional_options_description positional;
  positional.add("command", 1).add("file", 1);
  const auto given = ParseOptions(args, options, positional, "tune model");
  if (!given.ok()) return Fail(given.status());
  if (given->count("help") != 0) {
    std::cout << options;
    return kExitDone;
  }
  if (a.command == "show") return Show(a);
  if (a.command != "train" && a.command != "eval") {
    return Fail(kExitUsage, fmt::format("'model {}' is not a command; {}", a.command, kUsage));
  }
  if (a.logs.empty() && a.spaces.empty()) {
    return Fail(kExitUsage, std::string("--log is missing; ") + kUsage);
  }
  if (a.by != "task" && a.by != "device") {
    return Fail(kExitUsage, fmt::format("--by '{}' is not known; give task or device", a.by));
  }
  if (a.command == "train") {
    if (a.out.empty()) return Fail(kExitUsage, std::string("--out is missing; ") + kUsage);
    // Known before the training, not after it.
    const auto folder = std::filesystem::absolute(a.out).parent_path();
    if (!std::filesystem::is_directory(folder)) {
      return Fail(kExitUsage,
                  fmt::format("--out '{}': there is no folder {}", a.out, folder.string()));
    }
  }
  if (a.folds < 2 || a.folds > 100) {
    return Fail(kExitUsage, fmt::format("--folds is {}; give 2 to 100", a.folds));
  }
  auto data = LoadModelData(a.logs);
  if (!data.ok()) return Fail(data.status());
  if (const auto s = AddRecordedSpaces(a.spaces, *data); !s.ok()) return Fail(s);
  if (a.by == "task" && data->tasks.size() < static_cast<size_t>(a.folds)) {
    return Fail(kExitNothingValid,
                fmt::format("{} tasks with records are too few to learn from in {} folds",
                            data->tasks.size(), a.folds));
  }
  PrintLeftOut(*data);
  return a.command == "train" ? Train(a, *data) : Eval(a, *data);
}

}  // namespace halyard
