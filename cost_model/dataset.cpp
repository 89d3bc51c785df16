#include "cost_model/dataset.h"

#include <algorithm>
#include <limits>
#include <string>
#include <unordered_map>

namespace halyard {
namespace {

// For each column of `schema` the position of the same name in `from`, or -1.
std::vector<int> MatchColumns(const std::vector<std::string>& schema,
                              const std::vector<std::string>& from) {
  std::unordered_map<std::string, int> position;
  for (size_t i = 0; i < from.size(); i++) position[from[i]] = static_cast<int>(i);
  std::vector<int> source;
  source.reserve(schema.size());
  for (const std::string& name : schema) {
    const auto it = position.find(name);
    source.push_back(it == position.end() ? -1 : it->second);
  }
  return source;
}

void AppendRows(const FeatureExtractor& schema, const MeasuredTask& measured,
                FeatureMatrix& features) {
  std::vector<Config> configs;
  configs.reserve(measured.measurements.size());
  for (const Measurement& m : measured.measurements) configs.push_back(m.config);
  const FeatureExtractor own(*measured.task);
  const FeatureMatrix rows = own.Matrix(configs);
  const std::vector<int> source = MatchColumns(schema.names(), own.names());
  for (size_t r = 0; r < configs.size(); r++) {
    for (const int column : source) {
      features.values.push_back(column < 0 ? std::numeric_limits<float>::quiet_NaN()
                                           : rows.values[r * rows.columns + column]);
    }
  }
}

}  // namespace

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

Dataset BuildDataset(const FeatureExtractor& schema, std::span<const MeasuredTask> tasks) {
  Dataset data;
  data.features.columns = schema.columns();
  for (const MeasuredTask& measured : tasks) {
    if (measured.measurements.empty()) continue;
    AppendRows(schema, measured, data.features);
    const std::vector<float> labels = RelativeThroughput(measured.measurements);
    data.labels.insert(data.labels.end(), labels.begin(), labels.end());
    data.group_sizes.push_back(static_cast<unsigned>(labels.size()));
  }
  return data;
}

}  // namespace halyard
