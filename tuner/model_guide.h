// The cost model's place in the loop: learns from each batch, scores proposals, and steps aside
// while it is no better than chance.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "cost_model/cost_model.h"
#include "cost_model/features.h"
#include "tuner/search_guide.h"

namespace halyard {

class ModelGuide final : public SearchGuide {
 public:
  ModelGuide(const Task& task, uint64_t seed);

  void Learn(const std::vector<Trial>& trials, size_t first_new) override;
  std::function<std::vector<float>(const std::vector<Config>&)> score() const override;
  std::optional<double> correlation() const override { return correlation_; }
  bool trusted() const { return trusted_; }

 private:
  const Task& task_;
  FeatureExtractor features_;
  std::unique_ptr<CostModel> model_;
  std::optional<double> correlation_;
  bool trusted_ = false;
};

}  // namespace halyard
