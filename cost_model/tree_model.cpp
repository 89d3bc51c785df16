// The model of a search: trees of its own, or a base model's with leaves adapted to the task.

#include <algorithm>
#include <numeric>
#include <utility>

#include "cost_model/base_model.h"
#include "cost_model/cost_model.h"
#include "cost_model/leaf_kernel.h"
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

// Adapting is cubic in the rows. Of more than this many the best half and an even choice of the
// rest are kept: what is far from the best is known to be.
constexpr size_t kMostAdapted = 320;

Dataset MostTelling(const Dataset& data) {
  const size_t rows = data.labels.size();
  std::vector<size_t> order(rows);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return data.labels[a] > data.labels[b]; });
  std::vector<size_t> kept(order.begin(), order.begin() + kMostAdapted / 2);
  const size_t others = kMostAdapted - kept.size();
  for (size_t i = 0; i < others; i++) {
    kept.push_back(order[kMostAdapted / 2 + i * (rows - kMostAdapted / 2) / others]);
  }
  Dataset some;
  some.features.columns = data.features.columns;
  for (const size_t i : kept) {
    const float* row = data.features.values.data() + i * data.features.columns;
    some.features.values.insert(some.features.values.end(), row, row + data.features.columns);
    some.labels.push_back(data.labels[i]);
    if (!data.weights.empty()) some.weights.push_back(data.weights[i]);
  }
  some.group_sizes = {static_cast<unsigned>(kept.size())};
  return some;
}

class TreeModel final : public CostModel {
 public:
  TreeModel(uint64_t seed, std::shared_ptr<const BaseModel> base)
      : seed_(seed), base_(std::move(base)) {}

  absl::Status Fit(const Dataset& data) override {
    if (base_ == nullptr) {
      absl::StatusOr<TreeEnsemble> trees = TrainTrees(data, FromScratch(seed_));
      if (!trees.ok()) return trees.status();
      own_ = *std::move(trees);
      return absl::OkStatus();
    }
    if (data.features.columns != base_->trees.columns()) {
      return absl::InvalidArgumentError("dataset: other columns than the base model's");
    }
    const absl::StatusOr<std::vector<float>> targets = TargetsOf(data);
    if (!targets.ok()) return targets.status();
    if (data.labels.size() > kMostAdapted) return Fit(MostTelling(data));
    own_ = AdaptLeaves(base_->trees, data.features, *targets, data.weights);
    return absl::OkStatus();
  }

  std::vector<float> Predict(const FeatureMatrix& features,
                             std::vector<float>* spread) const override {
    if (!fitted() || features.rows() == 0) {
      if (spread != nullptr) spread->assign(features.rows(), 0.0f);
      return std::vector<float>(features.rows(), 0.0f);
    }
    return trees()->Predict(features, spread);
  }

  bool fitted() const override { return base_ != nullptr || own_.members() > 0; }

  const TreeEnsemble* trees() const override {
    if (own_.members() > 0) return &own_;
    return base_ != nullptr ? &base_->trees : nullptr;
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
