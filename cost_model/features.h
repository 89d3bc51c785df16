// Features: a named, versioned vector computed from workload, config and device without compiling.
// One schema, listed in feature_list.h, serves every operator, shape and device: a column that does
// not apply to a config is NaN, which the trees take as missing, and one that applies is finite. So
// a model trained on some tasks can rank configs of others.
//
// A column that applies and cannot be computed (a knob missing, a value not finite) and a knob that
// nothing here knows are errors: counted, kept by name and shown at the end of a search, never
// filled in.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cost_model/cost_model.h"
#include "cost_model/estimate.h"
#include "cost_model/feature_list.h"
#include "cost_model/knob_values.h"
#include "schedules/task.h"

namespace halyard {

// 1: columns by task, matched by name. 2: one schema.
inline constexpr int kFeatureVersion = 2;

// Identifies the schema: FNV-1a over version and names. A model of another hash is of no use here.
uint64_t FeatureSchemaHash();

struct FeatureError {
  std::string what;  // a column's name, or "knob <name>"
  int64_t rows = 0;  // in which it occurred
};

// Computes feature rows for one task, of which it keeps nothing. Thread-safe.
class FeatureExtractor {
 public:
  explicit FeatureExtractor(const Task& task);
  static constexpr size_t columns() { return kFeatureCount; }
  // Writes columns() floats. REQUIRES: config has a position in range for each knob.
  void Row(const Config& config, float* out) const;
  FeatureMatrix Matrix(std::span<const Config> configs) const;
  // What went wrong in all rows so far, in column order; empty when all is well.
  std::vector<FeatureError> errors() const;

 private:
  KnobReader knobs_;
  std::unique_ptr<OperatorFeatures> operator_;  // nullptr: none that is known
  std::vector<float> constants_;                // of the device and the task; NaN elsewhere
  uint32_t device_applies_ = 0;
  mutable std::vector<std::atomic<int64_t>> errors_;  // of each column
  mutable std::atomic<int64_t> rows_{0};
};

}  // namespace halyard
