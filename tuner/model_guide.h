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
#include "tuner/search_guide.h"

namespace halyard {

class ModelGuide final : public SearchGuide {
 public:
  // With a base model, scores from the first batch on. The task must outlive it.
  ModelGuide(const Task& task, uint64_t seed, std::shared_ptr<const BaseModel> base = nullptr);
  // With any model; `origin` is how report() calls it.
  ModelGuide(const Task& task, std::unique_ptr<CostModel> model, std::string origin);

  void Learn(const std::vector<Trial>& trials, size_t first_new) override;
  std::function<std::vector<float>(const std::vector<Config>&)> score() const override;
  std::function<std::vector<Belief>(const std::vector<Config>&)> belief() const override;
  std::optional<double> correlation() const override { return correlation_; }
  bool trusted() const { return trusted_; }
  const CostModel& model() const { return *model_; }
  // Batches after which the model was, or stayed, set aside.
  int batches_set_aside() const { return set_aside_; }
  // And features that could not be computed.
  std::string report() const override;

 private:
  void Judge(const std::vector<Trial>& trials, size_t first_new);

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
