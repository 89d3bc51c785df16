// The base model: trees trained on a log of many tasks, which rank the configs of a task that was
// never measured, and the best configs of those tasks, to begin with. Written by `tune model
// train`, read by every search; MODEL_FILE.md describes the file.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cost_model/known_tasks.h"
#include "cost_model/tree_ensemble.h"

namespace halyard {

// Version of the file's layout; the oldest that is read is the same.
inline constexpr int kModelFileVersion = 2;

struct BaseModel {
  // Where it comes from: shown, not interpreted.
  struct Provenance {
    int64_t records = 0, tasks = 0;
    std::map<std::string, int64_t> tasks_by_operator;
    std::vector<std::string> devices;
    std::string date;                       // UTC, 2024-01-31
    std::map<std::string, double> metrics;  // of the cross-validation that was run with it, if any
  };

  Provenance provenance;
  TreeEnsemble trees;  // over the columns of feature_list.h
  std::vector<KnownTask> known;
};

// Trains on all of `tasks`; provenance holds their number, operators and devices. InvalidArgument:
// nothing to train on.
absl::StatusOr<BaseModel> TrainBaseModel(std::span<const MeasuredTask> tasks, uint64_t seed);

// How a search that was told nothing starts. Not an error where it is missing.
std::string ShippedModelPath();

// Replaces the file as a whole. PermissionDenied or ResourceExhausted: it cannot be written.
absl::Status SaveBaseModel(const BaseModel& model, const std::string& path);

// NotFound: no such file. FailedPrecondition: of another file version or other features, so of no
// use to this program. DataLoss: not a model, cut short or damaged. One line each, which names the
// file and what would be right.
absl::StatusOr<std::shared_ptr<const BaseModel>> LoadBaseModel(const std::string& path);

}  // namespace halyard
