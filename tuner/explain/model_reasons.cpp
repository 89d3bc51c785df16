#include "tuner/explain/model_reasons.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "cost_model/features.h"
#include "cost_model/shapley.h"
#include "fmt/format.h"
#include "tuner/model_guide.h"

namespace halyard {
namespace {

std::vector<Config> RandomBackground(const ScheduleSpace& space, const Config& config,
                                     uint64_t seed) {
  std::mt19937_64 rng(seed);
  std::vector<Config> drawn;
  // A small space may have fewer; a config that is drawn twice counts twice.
  for (size_t tries = 0; drawn.size() < kBackgroundConfigs && tries < 4 * kBackgroundConfigs;
       tries++) {
    const auto c = space.Random(rng);
    if (c && *c != config) drawn.push_back(*c);
  }
  // Where draws find nothing valid there is still the schedule that every report starts from.
  if (drawn.empty()) drawn.push_back(space.safe());
  return drawn;
}

// Of a column; NaN where it does not apply to half of the rows or more.
float ColumnMedian(const FeatureMatrix& rows, size_t column) {
  std::vector<float> values;
  for (size_t r = 0; r < rows.rows(); r++) {
    const float v = rows.values[r * rows.columns + column];
    if (!std::isnan(v)) values.push_back(v);
  }
  if (2 * values.size() <= rows.rows()) return std::numeric_limits<float>::quiet_NaN();
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::string ModelText(const ModelGuide& guide, const BaseModel* base, size_t trials) {
  if (base == nullptr) return fmt::format("trained on this task's {} trials alone", trials);
  std::string text = fmt::format("base model of {} ({} records of {} tasks)", base->provenance.date,
                                 base->provenance.records, base->provenance.tasks);
  if (guide.correlation()) {
    text += fmt::format(", which ranks this task's {} trials with correlation {:.2f}", trials,
                        *guide.correlation());
  }
  const bool corrected = guide.model().trees() != &base->trees;
  return text + (corrected ? "; corrected by them" : "; too few trials of this task to correct it");
}

}  // namespace

std::vector<Config> MeasuredBackground(const std::vector<Trial>& trials, const Config& config) {
  std::vector<Config> others;
  for (const Trial& t : trials) {
    if (t.ok && t.config != config) others.push_back(t.config);
  }
  if (others.size() <= kBackgroundConfigs) return others;
  std::vector<Config> chosen;
  for (size_t i = 0; i < kBackgroundConfigs; i++) {
    chosen.push_back(others[i * others.size() / kBackgroundConfigs]);
  }
  return chosen;
}

std::optional<ModelReasons> ExplainByModel(const Task& task, const Config& config,
                                           const std::vector<Trial>& trials, uint64_t seed,
                                           std::shared_ptr<const BaseModel> base) {
  ModelGuide guide(task, seed, base);
  guide.Learn(trials, 0);
  const TreeEnsemble* trees = guide.model().trees();
  if (trees == nullptr) return std::nullopt;

  ModelReasons reasons;
  reasons.model = ModelText(guide, base.get(), trials.size());
  std::vector<Config> others = MeasuredBackground(trials, config);
  reasons.measured = !others.empty();
  if (others.empty()) others = RandomBackground(task.space, config, seed);
  reasons.background = others.size();

  const FeatureExtractor features(task);
  const FeatureMatrix row = features.Matrix(std::vector<Config>{config});
  const FeatureMatrix background = features.Matrix(others);
  reasons.score = guide.model().Predict(row).front();
  for (const float score : guide.model().Predict(background)) reasons.background_score += score;
  reasons.background_score /= static_cast<double>(others.size());

  const std::vector<double> contributions = ShapleyValues(*trees, row.values, background);
  for (size_t i = 0; i < contributions.size(); i++) {
    if (contributions[i] == 0) continue;
    reasons.features.push_back(
        {static_cast<Feature>(i), row.values[i], ColumnMedian(background, i), contributions[i]});
  }
  std::stable_sort(reasons.features.begin(), reasons.features.end(),
                   [](const FeatureReason& a, const FeatureReason& b) {
                     return std::fabs(a.contribution) > std::fabs(b.contribution);
                   });
  for (const FeatureError& e : features.errors()) reasons.troubles.push_back(e.what);
  return reasons;
}

}  // namespace halyard
