// The cost model's place in the loop: learns from each batch, scores proposals, and steps aside
// while it is no better than chance.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cost_model/base_model.h"
#include "cost_model/cost_model.h"
#include "cost_model/features.h"
#include "tuner/search_strategy.h"

namespace halyard {

class ModelGuide {
 public:
  // With a base model, scores from the first batch on. The task must outlive it.
  ModelGuide(const Task& task, uint64_t seed, std::shared_ptr<const BaseModel> base = nullptr);
  // With any model; `origin` is how report() calls it.
  ModelGuide(const Task& task, std::unique_ptr<CostModel> model, std::string origin);

  // Takes all trials so far; those from `first_new` on are the newest batch, on which the model as
  // it was before is judged.
  void Learn(const std::vector<Trial>& trials, size_t first_new);

  // Empty while there is no model, or none that ranks better than chance.
  std::function<std::vector<float>(const std::vector<Config>&)> score() const;

  // Spearman's correlation of prediction and measurement on the newest batch; nothing
  // before a model has ranked one.
  std::optional<double> correlation() const { return correlation_; }
  bool trusted() const { return trusted_; }
  // Batches after which the model was, or stayed, set aside.
  int batches_set_aside() const { return set_aside_; }
  // One line for people: where the model comes from, how it ranked, whether it was set aside, and
  // features that could not be computed.
  std::string report() const;

 private:
  void Judge(const std::vector<Trial>& trials, size_t first_new);

  const Task& task_;
  FeatureExtractor features_;
  std::unique_ptr<CostModel> model_;
  std::string origin_;
  std::optional<double> correlation_;
  std::vector<double> evidence_;  // correlations since the model was last trusted
  std::string trouble_;           // why it was not fitted, if so
  bool trusted_ = false;
  bool proven_ = true;  // false: set aside, and not yet better than chance on a random batch
  int set_aside_ = 0;
};

}  // namespace halyard
