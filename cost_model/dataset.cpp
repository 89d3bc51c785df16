#include "cost_model/dataset.h"

#include <algorithm>
#include <limits>

namespace halyard {

std::vector<float> RelativeThroughput(std::span<const Measurement> measurements) {
  double best = std::numeric_limits<double>::infinity();
  for (const Measurement& m : measurements) {
    if (m.ok && m.value > 0) best = std::min(best, m.value);
  }
  std::vector<float> labels;
  labels.reserve(measurements.size());
  for (const Measurement& m : measurements) {
    labels.push_back(m.ok && m.value > 0 ? static_cast<float>(best / m.value) : 0.0f);
  }
  return labels;
}

Dataset BuildDataset(const FeatureExtractor& features, std::span<const Measurement> measurements) {
  std::vector<Config> configs;
  configs.reserve(measurements.size());
  for (const Measurement& m : measurements) configs.push_back(m.config);
  Dataset data;
  data.features = features.Matrix(configs);
  data.labels = RelativeThroughput(measurements);
  for (const Measurement& m : measurements) data.weights.push_back(m.weight);
  if (!configs.empty()) data.group_sizes = {static_cast<unsigned>(configs.size())};
  return data;
}

Dataset BuildDataset(std::span<const MeasuredTask> tasks) {
  Dataset data;
  data.features.columns = FeatureExtractor::columns();
  for (const MeasuredTask& measured : tasks) {
    AppendDataset(BuildDataset(FeatureExtractor(*measured.task), measured.measurements), data);
  }
  return data;
}

void AppendDataset(const Dataset& more, Dataset& data) {
  data.features.columns = more.features.columns;
  data.features.values.insert(data.features.values.end(), more.features.values.begin(),
                              more.features.values.end());
  // Groups without weights stand at 1 beside those that have them.
  if (!more.weights.empty() || !data.weights.empty()) {
    data.weights.resize(data.labels.size(), 1.0f);
    data.weights.insert(data.weights.end(), more.weights.begin(), more.weights.end());
    data.weights.resize(data.labels.size() + more.labels.size(), 1.0f);
  }
  data.labels.insert(data.labels.end(), more.labels.begin(), more.labels.end());
  data.group_sizes.insert(data.group_sizes.end(), more.group_sizes.begin(), more.group_sizes.end());
}

}  // namespace halyard
