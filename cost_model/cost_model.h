// A cost model ranks configs: larger predictions are better (faster) ones.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "schedules/task.h"

namespace halyard {

// Row-major feature matrix.
struct FeatureMatrix {
  size_t columns = 0;
  std::vector<float> values;
  size_t rows() const { return columns == 0 ? 0 : values.size() / columns; }
};

// Measured configs of one or several tasks. Rows of one task are contiguous and share a group.
struct Dataset {
  FeatureMatrix features;
  // Relative throughput within the group: best value of the group / value, in (0, 1]; failed
  // trials 0.
  std::vector<float> labels;
  std::vector<unsigned> group_sizes;
  // How far each label is to be believed, above 0; empty: all alike.
  std::vector<float> weights;
};

class TreeEnsemble;

class CostModel {
 public:
  virtual ~CostModel() = default;
  // Replaces what was fitted before. InvalidArgument: a malformed dataset; the model stays as it
  // was.
  virtual absl::Status Fit(const Dataset& data) = 0;
  // Thread-safe against other Predicts, not against Fit. Before the first Fit: the base model's
  // predictions, all zeros where there is none. `spread`, where given: how far the members of the
  // ensemble disagree, a standard deviation in the prediction's unit.
  virtual std::vector<float> Predict(const FeatureMatrix& features,
                                     std::vector<float>* spread = nullptr) const = 0;
  // Whether it can rank: fitted, or on a base model.
  virtual bool fitted() const = 0;
  // The trees that Predict asks, for those that want to know why (shapley.h); they live until the
  // next Fit. nullptr where it cannot rank, or is not made of trees.
  virtual const TreeEnsemble* trees() const { return nullptr; }
};

struct BaseModel;

// Gradient-boosted trees of relative throughput within a task (tree_training.h), a function of the
// data and the seed. With a base model, which is shared, its trees with leaves adapted to the task
// at hand (leaf_kernel.h).
std::unique_ptr<CostModel> MakeTreeModel(uint64_t seed,
                                         std::shared_ptr<const BaseModel> base = nullptr);

}  // namespace halyard
