// A cost model ranks configs: larger predictions are better (faster) ones.
#pragma once

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
};

class CostModel {
 public:
  virtual ~CostModel() = default;
  virtual absl::Status Fit(const Dataset& data) = 0;
  // Thread-safe against other Predicts, not against Fit. Before the first Fit: all zeros.
  virtual std::vector<float> Predict(const FeatureMatrix& features) const = 0;
  virtual bool fitted() const = 0;
};

// Gradient-boosted trees with a pairwise ranking objective grouped by task.
std::unique_ptr<CostModel> MakeXgboostModel(uint64_t seed);

}  // namespace halyard
