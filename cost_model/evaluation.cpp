#include "cost_model/evaluation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>

#include "cost_model/ranking_metrics.h"

namespace halyard {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr float kClearRatio = 1.05f;

// Fisher and Yates; not std::shuffle, whose sequence differs between standard libraries.
template <typename T>
void Shuffle(std::vector<T>& items, uint64_t seed) {
  std::mt19937_64 rng(seed);
  for (size_t i = items.size(); i > 1; i--) std::swap(items[i - 1], items[rng() % i]);
}

std::vector<Measurement> OnlyOk(const MeasuredTask& task) {
  std::vector<Measurement> ok;
  std::copy_if(task.measurements.begin(), task.measurements.end(), std::back_inserter(ok),
               [](const Measurement& m) { return m.ok; });
  return ok;
}

RankingScore ScoreOf(const std::vector<float>& predicted, std::span<const Measurement> measured) {
  const std::vector<float> throughput = RelativeThroughput(measured);
  return {PairwiseAccuracy(predicted, throughput),
          PairwiseAccuracy(predicted, throughput, kClearRatio),
          SpearmanCorrelation(predicted, throughput), TopKQuality(predicted, throughput, 5)};
}

std::vector<float> PredictAll(const CostModel& model, const FeatureExtractor& features,
                              std::span<const Measurement> measured) {
  std::vector<Config> configs;
  for (const Measurement& m : measured) configs.push_back(m.config);
  return model.Predict(features.Matrix(configs));
}

TaskScore ScoreTask(const std::shared_ptr<const BaseModel>& base, const MeasuredTask& task,
                    uint64_t seed) {
  const FeatureExtractor features(*task.task);
  std::vector<Measurement> measured = OnlyOk(task);
  const Task& t = *task.task;
  TaskScore score{t.workload.op, t.device.id, t.key(), measured.size(), {}, {}, {}, {}, {}};
  const std::unique_ptr<CostModel> model = MakeTreeModel(seed, base);
  score.unseen = ScoreOf(PredictAll(*model, features, measured), measured);

  auto score_those = [&](auto which, std::vector<RankingScore>& scores) {
    std::vector<Measurement> those;
    std::copy_if(measured.begin(), measured.end(), std::back_inserter(those), which);
    if (those.size() < kFewestRanked) return;
    scores.push_back(ScoreOf(PredictAll(*model, features, those), those));
  };
  score_those([](const Measurement& m) { return m.weight == 1; }, score.steady);
  score_those([](const Measurement& m) { return m.repeats > 1; }, score.repeated);
  if (measured.size() < kAdaptingSamples + kFewestRanked) return score;
  Shuffle(measured, seed);
  const std::span<const Measurement> all(measured);
  const auto shown = all.first(kAdaptingSamples), others = all.subspan(kAdaptingSamples);
  score.not_adapted.push_back(ScoreOf(PredictAll(*model, features, others), others));
  if (!model->Fit(BuildDataset(features, shown)).ok()) return score;
  score.adapted.push_back(ScoreOf(PredictAll(*model, features, others), others));
  return score;
}

// Means of finite values.
class Mean {
 public:
  void Add(double value) {
    if (std::isnan(value)) return;
    sum_ += value;
    count_++;
  }
  double value() const { return count_ == 0 ? kNaN : sum_ / static_cast<double>(count_); }

 private:
  double sum_ = 0;
  size_t count_ = 0;
};

RankingScore MeanScoreOf(const std::vector<RankingScore>& scores) {
  Mean pairs, clear, spearman, best;
  for (const RankingScore& s : scores) {
    pairs.Add(s.pairs);
    clear.Add(s.clear_pairs);
    spearman.Add(s.spearman);
    best.Add(s.best_of_5);
  }
  return {pairs.value(), clear.value(), spearman.value(), best.value()};
}

}  // namespace

std::string WorkloadFamily(const Workload& workload) {
  Workload bare = workload;
  for (const char* leaves_loops : {"packed", "bias", "residual", "act"}) {
    const auto found = bare.attributes.find(leaves_loops);
    if (found != bare.attributes.end()) found->second = 0;
  }
  return bare.ToText();
}

std::vector<int> AssignFolds(std::span<const MeasuredTask> tasks, int folds, uint64_t seed) {
  std::map<std::pair<std::string, std::string>, std::vector<size_t>> families;
  for (size_t i = 0; i < tasks.size(); i++) {
    const Workload& workload = tasks[i].task->workload;
    families[{workload.op, WorkloadFamily(workload)}].push_back(i);
  }
  std::vector<std::pair<std::string, std::vector<size_t>>> order;
  for (auto& [key, members] : families) order.emplace_back(key.first, members);
  Shuffle(order, seed);
  std::map<std::string, int> next;
  std::vector<int> fold(tasks.size());
  for (const auto& [op, members] : order) {
    for (const size_t i : members) fold[i] = next[op] % folds;
    next[op]++;
  }
  return fold;
}

std::vector<int> FoldsByDevice(std::span<const MeasuredTask> tasks) {
  std::map<std::string, int> number;
  std::vector<int> fold;
  for (const MeasuredTask& t : tasks) {
    fold.push_back(number.try_emplace(t.task->device.id, number.size()).first->second);
  }
  return fold;
}

absl::StatusOr<std::vector<TaskScore>> CrossValidate(std::span<const MeasuredTask> tasks,
                                                     const std::vector<int>& fold, uint64_t seed) {
  std::vector<TaskScore> scores;
  for (const int held_out : std::set<int>(fold.begin(), fold.end())) {
    std::vector<MeasuredTask> others;
    for (size_t i = 0; i < tasks.size(); i++) {
      if (fold[i] != held_out) others.push_back(tasks[i]);
    }
    auto trained = TrainBaseModel(others, seed);
    if (!trained.ok()) return trained.status();
    const auto base = std::make_shared<const BaseModel>(*std::move(trained));
    for (size_t i = 0; i < tasks.size(); i++) {
      if (fold[i] == held_out && OnlyOk(tasks[i]).size() >= kFewestRanked) {
        scores.push_back(ScoreTask(base, tasks[i], seed));
      }
    }
  }
  return scores;
}

std::vector<TaskScore> Evaluate(const std::shared_ptr<const BaseModel>& model,
                                std::span<const MeasuredTask> tasks, uint64_t seed) {
  std::vector<TaskScore> scores;
  for (const MeasuredTask& task : tasks) {
    if (OnlyOk(task).size() >= kFewestRanked) scores.push_back(ScoreTask(model, task, seed));
  }
  return scores;
}

MeanScore MeanOver(std::span<const TaskScore> scores, const std::string& group) {
  MeanScore mean;
  std::vector<RankingScore> unseen, steady, repeated, not_adapted, adapted;
  for (const TaskScore& s : scores) {
    if (!group.empty() && s.op != group && s.device != group) continue;
    mean.tasks++;
    mean.configs += s.configs;
    unseen.push_back(s.unseen);
    not_adapted.insert(not_adapted.end(), s.not_adapted.begin(), s.not_adapted.end());
    adapted.insert(adapted.end(), s.adapted.begin(), s.adapted.end());
    repeated.insert(repeated.end(), s.repeated.begin(), s.repeated.end());
    steady.insert(steady.end(), s.steady.begin(), s.steady.end());
  }
  mean.steady_tasks = steady.size();
  mean.repeated_tasks = repeated.size();
  mean.unseen = MeanScoreOf(unseen);
  mean.not_adapted = MeanScoreOf(not_adapted);
  mean.adapted = MeanScoreOf(adapted);
  mean.steady = MeanScoreOf(steady);
  mean.repeated = MeanScoreOf(repeated);
  return mean;
}

}  // namespace halyard
