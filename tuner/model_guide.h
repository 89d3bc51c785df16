// The cost model's place in the loop: learns from each batch, scores proposals, and steps aside
// while it is no better than chance.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "cost_model/cost_model.h"
#include "cost_model/features.h"
#include "tuner/search_strategy.h"

namespace halyard {

class ModelGuide {
 public:
  ModelGuide(const Task& task, uint64_t seed);

  // Takes all trials so far; those from `first_new` on are the newest batch, on which the model as
  // it was before is judged.
  void Learn(const std::vector<Trial>& trials, size_t first_new);

  // Empty while there is no model, or none that ranks better than chance.
  std::function<std::vector<float>(const std::vector<Config>&)> score() const;

  // Spearman's correlation of prediction and measurement on the newest batch; nothing
  // before a model has ranked one.
  std::optional<double> correlation() const { return correlation_; }
  bool trusted() const { return trusted_; }

 private:
  const Task& task_;
  FeatureExtractor features_;
  std::unique_ptr<CostModel> model_;
  std::optional<double> correlation_;
  bool trusted_ = false;
};

}  // namespace halyard
