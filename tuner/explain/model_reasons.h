// Why a search's cost model thinks a config good: what each feature adds to its score.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cost_model/base_model.h"
#include "cost_model/feature_list.h"
#include "schedules/task.h"
#include "tuner/search_strategy.h"

namespace halyard {

struct FeatureReason {
  Feature feature;
  float value = 0;          // the config's; NaN: does not apply
  float background = 0;     // median of the background; NaN: does not apply to most of it
  double contribution = 0;  // to the score: Shapley value (cost_model/shapley.h)
};

struct ModelReasons {
  std::string model;  // where it comes from, how well it ranked
  // Scores have no unit: half relative throughput, half rank among a task's configs, so that its
  // worst and its best are about one apart.
  double score = 0, background_score = 0;  // the config's, and the background's mean
  size_t background = 0;                   // configs
  bool measured = false;                   // the background; otherwise drawn at random
  std::vector<FeatureReason> features;     // largest first; those of no contribution are left out
  std::vector<std::string> troubles;       // features that could not be computed
};

// Of the background at most.
inline constexpr size_t kBackgroundConfigs = 64;

// The configs that one is compared with: of the ok trials, itself aside, kBackgroundConfigs evenly
// over the time of the search, from its random start to its last batch. Empty where there are none.
std::vector<Config> MeasuredBackground(const std::vector<Trial>& trials, const Config& config);

// By the model that a search which resumes from `trials` (of different configs) would go on with.
// The background is MeasuredBackground or, where that is empty, random valid configs. Nothing where
// there is no model: no base model, and too few trials to learn from.
std::optional<ModelReasons> ExplainByModel(const Task& task, const Config& config,
                                           const std::vector<Trial>& trials, uint64_t seed,
                                           std::shared_ptr<const BaseModel> base);

}  // namespace halyard
