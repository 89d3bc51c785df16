// The model of a search: trees of its own, or trees that correct a base model.

#include <algorithm>
#include <utility>

#include "cost_model/base_model.h"
#include "cost_model/cost_model.h"
#include "cost_model/tree_training.h"

namespace halyard {
namespace {

// Some dozens to hundreds of rows of one task.
TreeOptions FromScratch(uint64_t seed) {
  TreeOptions o;
  o.rounds = 60;
  o.depth = 5;
  o.rate = 0.2;
  o.smallest_leaf = 2;
  o.columns = 0.8;
  o.seed = seed;
  return o;
}

// Corrections start small: with twenty measurements the base model knows more than they do.
TreeOptions Correcting(uint64_t seed) {
  TreeOptions o = FromScratch(seed);
  o.members = 2;
  o.rate = 0.1;
  o.depth = 3;
  o.lambda = 20;
  return o;
}

class TreeModel final : public CostModel {
 public:
  TreeModel(uint64_t seed, std::shared_ptr<const BaseModel> base)
      : seed_(seed), base_(std::move(base)) {}

  absl::Status Fit(const Dataset& data) override {
    const bool correct = base_ != nullptr && data.features.columns == base_->trees.columns();
    if (base_ != nullptr && !correct) {
      return absl::InvalidArgumentError("dataset: other columns than the base model's");
    }
    const std::vector<float> margins =
        correct ? base_->trees.Predict(data.features) : std::vector<float>();
    absl::StatusOr<TreeEnsemble> trees =
        TrainTrees(data, correct ? Correcting(seed_) : FromScratch(seed_), margins);
    if (!trees.ok()) return trees.status();
    own_ = *std::move(trees);
    return absl::OkStatus();
  }

  std::vector<float> Predict(const FeatureMatrix& features,
                             std::vector<float>* spread) const override {
    if (!fitted() || features.rows() == 0) {
      if (spread != nullptr) spread->assign(features.rows(), 0.0f);
      return std::vector<float>(features.rows(), 0.0f);
    }
    if (base_ == nullptr) return own_.Predict(features, spread);
    std::vector<float> predicted = base_->trees.Predict(features, spread);
    if (own_.members() == 0) return predicted;
    const std::vector<float> corrections = own_.Predict(features);
    for (size_t i = 0; i < predicted.size(); i++) predicted[i] += corrections[i];
    return predicted;
  }

  bool fitted() const override { return base_ != nullptr || own_.members() > 0; }

  std::vector<const TreeEnsemble*> ensembles() const override {
    std::vector<const TreeEnsemble*> parts;
    if (base_ != nullptr) parts.push_back(&base_->trees);
    if (own_.members() > 0) parts.push_back(&own_);
    return parts;
  }

 private:
  uint64_t seed_;
  std::shared_ptr<const BaseModel> base_;
  TreeEnsemble own_;
};

}  // namespace

std::unique_ptr<CostModel> MakeTreeModel(uint64_t seed, std::shared_ptr<const BaseModel> base) {
  return std::make_unique<TreeModel>(seed, std::move(base));
}

}  // namespace halyard
