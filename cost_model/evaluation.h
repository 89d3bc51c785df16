// How well a model ranks configs of tasks that it was not trained on.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cost_model/base_model.h"
#include "cost_model/dataset.h"

namespace halyard {

// Of one ranking of one task's configs, see ranking_metrics.h.
struct RankingScore {
  double pairs = 0;        // pairwise accuracy
  double clear_pairs = 0;  // of pairs whose times differ by more than 5 %
  double spearman = 0;
  double best_of_5 = 0;  // best time of all over the best among the five ranked first
};

struct TaskScore {
  std::string op, device, workload;
  size_t configs = 0;
  RankingScore unseen;  // by the model of the other tasks
  // After `kAdaptingSamples` random configs were shown, on the others; and without showing them, on
  // the same others. Empty where too few are left.
  std::vector<RankingScore> adapted, not_adapted;
  // Unseen, on configs of several samples only (weight 1): a single sample is slow by chance so
  // often that in a pair with one the measurement may be what is wrong. Those of a search are close
  // to its best, and so to one another.
  std::vector<RankingScore> steady;
  // Unseen, on configs measured more than once, good ones and bad ones.
  std::vector<RankingScore> repeated;
};

inline constexpr size_t kAdaptingSamples = 20;
// A ranking of fewer configs says nothing.
inline constexpr size_t kFewestRanked = 20;

// Workloads of one family differ only in attributes that leave the loops alone (packed, bias,
// residual, act), so that who knows one knows the other.
std::string WorkloadFamily(const Workload& workload);

// The fold of each task, 0 to folds - 1: operators are spread evenly, and families stay together,
// whatever the device.
std::vector<int> AssignFolds(std::span<const MeasuredTask> tasks, int folds, uint64_t seed);

// A fold a device, so that each is met for the first time.
std::vector<int> FoldsByDevice(std::span<const MeasuredTask> tasks);

// Trains on all but one fold and scores that one, for each; `fold` has one a task. Only tasks with
// kFewestRanked ok configs are scored. InvalidArgument: nothing to train on.
absl::StatusOr<std::vector<TaskScore>> CrossValidate(std::span<const MeasuredTask> tasks,
                                                     const std::vector<int>& fold, uint64_t seed);
// Scores a model that is there already, which is only of use on tasks it was not trained on.
std::vector<TaskScore> Evaluate(const std::shared_ptr<const BaseModel>& model,
                                std::span<const MeasuredTask> tasks, uint64_t seed);

// Means over the tasks of an operator or device, `group`; "" for all. NaN where no task has the
// score.
struct MeanScore {
  size_t tasks = 0, configs = 0;
  size_t steady_tasks = 0, repeated_tasks = 0;
  RankingScore unseen, steady, repeated, not_adapted, adapted;
};
MeanScore MeanOver(std::span<const TaskScore> scores, const std::string& group);

}  // namespace halyard
