// Features: a named, versioned vector computed from workload, config and device without compiling.
//
// Version 1 has these columns; one that a task has no knob, dimension or cache for is absent from
// names(), never zero-filled:
//   dim.<name>.log2            extent of a workload dimension (dim<i> where the operator is
//   unknown) attr.<name>                attribute of the workload device.*                   lanes,
//   registers, cores, FMAs per cycle, log2 bytes of each cache knob.<name>.log2           log2(1 +
//   value) of a size knob.<name>.position       a size's place among its values, 0 to 1
//   knob.<name>=<label>        1 where a choice has this label, else 0
//   loop.*                     what the loop nest that the knobs describe would do; listed in
//                              loop_features.h
// Adding, removing or redefining a column raises kFeatureVersion.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cost_model/cost_model.h"
#include "cost_model/loop_features.h"
#include "schedules/task.h"

namespace halyard {

inline constexpr int kFeatureVersion = 1;

// Computes feature rows for one task, which must outlive it. Thread-safe.
class FeatureExtractor {
 public:
  explicit FeatureExtractor(const Task& task);
  const std::vector<std::string>& names() const { return names_; }
  size_t columns() const { return names_.size(); }
  // Writes columns() floats. REQUIRES: config has a position in range for each knob.
  void Row(const Config& config, float* out) const;
  FeatureMatrix Matrix(std::span<const Config> configs) const;

 private:
  // The columns of one knob for each of its choices, choice-major.
  struct KnobColumns {
    size_t width = 0;
    std::vector<float> table;
  };

  void AddConstant(std::string name, double value);
  void AddKnob(const Knob& knob);

  std::vector<std::string> names_;
  std::vector<float> constants_;  // workload and device: the same in every row
  std::vector<KnobColumns> knobs_;
  LoopFeatures loop_;
};

}  // namespace halyard
