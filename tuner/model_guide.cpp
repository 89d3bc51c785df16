#include "tuner/model_guide.h"

#include <span>

#include "cost_model/dataset.h"
#include "cost_model/ranking_metrics.h"

namespace halyard {
namespace {

// Fewer measurements than this teach nothing but noise.
constexpr size_t kFewestTrials = 12;
// A rank correlation below this on a batch it had not seen is no better than chance. A batch is
// what the model itself thought best, a narrow band that is hard to rank, so the mark is low.
constexpr double kChance = -0.15;

}  // namespace

ModelGuide::ModelGuide(const Task& task, uint64_t seed)
    : task_(task), features_(task), model_(MakeXgboostModel(seed)) {}

void ModelGuide::Learn(const std::vector<Trial>& trials, size_t first_new) {
  std::vector<Measurement> measured;
  for (const Trial& t : trials) measured.push_back({t.config, t.ok, t.value});

  bool better_than_chance = true;
  const std::span<const Measurement> newest(measured.data() + first_new,
                                            measured.size() - first_new);
  if (model_->fitted() && newest.size() >= 4) {
    std::vector<Config> configs;
    for (const Measurement& m : newest) configs.push_back(m.config);
    const std::vector<float> predicted = model_->Predict(features_.Matrix(configs));
    correlation_ = SpearmanCorrelation(predicted, RelativeThroughput(newest));
    better_than_chance = *correlation_ > kChance;
  }
  if (measured.size() < kFewestTrials) return;
  const MeasuredTask here{&task_, std::move(measured)};
  const absl::Status fitted = model_->Fit(BuildDataset(features_, {&here, 1}));
  trusted_ = fitted.ok() && better_than_chance;
}

std::function<std::vector<float>(const std::vector<Config>&)> ModelGuide::score() const {
  if (!trusted_) return nullptr;
  return [this](const std::vector<Config>& configs) {
    return model_->Predict(features_.Matrix(configs));
  };
}

}  // namespace halyard
