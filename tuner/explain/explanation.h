// Why a config is good, for people and for programs: what each knob is worth, what the cost model
// goes by, and how near the roofline it is.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tuner/explain/ablation_study.h"
#include "tuner/explain/model_reasons.h"
#include "tuner/roofline.h"

namespace halyard {

struct Explanation {
  const Task& task;
  const AblationStudy& study;
  const std::vector<KnobAblations>& knobs;     // what the study was asked for
  const std::optional<ModelReasons>& reasons;  // nothing: there is no model
  Roofline roofline;
  std::string log;     // path as given; "" where none was read
  int64_t record = 0;  // of the log, that the config is from; 0: it was given
};

// Of the model's features, in the text.
inline constexpr size_t kFeaturesShown = 10;

// Stays readable at 80 columns but for long messages; ends with a newline.
std::string ExplanationText(const Explanation& e);
nlohmann::json ExplanationJson(const Explanation& e);

}  // namespace halyard
