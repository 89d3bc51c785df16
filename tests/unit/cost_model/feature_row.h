// A config's features by name, for tests.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cost_model/features.h"

namespace halyard {

inline std::map<std::string, float> NamedRow(const FeatureExtractor& features,
                                             const Config& config) {
  std::vector<float> row(FeatureExtractor::columns());
  features.Row(config, row.data());
  std::map<std::string, float> named;
  for (size_t i = 0; i < row.size(); i++) named[std::string(kFeatureColumns[i].name)] = row[i];
  return named;
}
inline std::map<std::string, float> NamedRow(const Task& task, const Config& config) {
  return NamedRow(FeatureExtractor(task), config);
}

}  // namespace halyard
