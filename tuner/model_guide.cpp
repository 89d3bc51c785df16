#include "tuner/model_guide.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "cost_model/dataset.h"
#include "cost_model/ranking_metrics.h"
#include "fmt/format.h"

namespace halyard {
namespace {

// Fewer measurements than this teach nothing but noise; with a base model they correct it gently
// enough from the start.
constexpr size_t kFewestTrials = 12;
// Fewer in a batch judge nobody.
constexpr size_t kFewestJudged = 6;
// A batch is mostly what the model itself thought best, a narrow band that is hard to rank: chance
// has a standard deviation of 0.26 on sixteen. So one batch sets a model aside only where it is
// clearly backwards, several where they are no better than chance together.
constexpr double kBackwards = -0.15, kChance = 0.0;
constexpr size_t kBatchesOfEvidence = 3;
// While it is set aside batches are random, spread wide and easy to rank.
constexpr double kProven = 0.3;

bool AllEqual(const std::vector<float>& values) {
  return std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) == values.end();
}

std::string OriginOf(const BaseModel* base) {
  if (base == nullptr) return "from this search's trials";
  return fmt::format("base model of {} ({} records of {} tasks), corrected by this search's trials",
                     base->provenance.date, base->provenance.records, base->provenance.tasks);
}

}  // namespace

ModelGuide::ModelGuide(const Task& task, uint64_t seed, std::shared_ptr<const BaseModel> base)
    : ModelGuide(task, MakeTreeModel(seed, base), OriginOf(base.get())) {}

ModelGuide::ModelGuide(const Task& task, std::unique_ptr<CostModel> model, std::string origin)
    : features_(task),
      model_(std::move(model)),
      origin_(std::move(origin)),
      trusted_(model_->fitted()) {}

void ModelGuide::Judge(const std::vector<Trial>& trials, size_t first_new) {
  std::vector<Config> configs;
  std::vector<Measurement> measured;
  for (size_t i = first_new; i < trials.size(); i++) {
    configs.push_back(trials[i].config);
    measured.push_back({trials[i].config, trials[i].ok, trials[i].value});
  }
  if (!model_->fitted() || measured.size() < kFewestJudged) return;
  const std::vector<float> predicted = model_->Predict(features_.Matrix(configs));
  correlation_ = SpearmanCorrelation(predicted, RelativeThroughput(measured));
  evidence_.push_back(*correlation_);
  if (evidence_.size() > kBatchesOfEvidence) evidence_.erase(evidence_.begin());
  const double mean = std::accumulate(evidence_.begin(), evidence_.end(), 0.0) /
                      static_cast<double>(evidence_.size());
  if (AllEqual(predicted)) {
    proven_ = false;
  } else if (!proven_) {
    proven_ = *correlation_ >= kProven;
  } else {
    proven_ = mean > (evidence_.size() == 1 ? kBackwards : kChance);
  }
  if (!proven_) {
    evidence_.clear();
    set_aside_++;
  }
}

void ModelGuide::Learn(const std::vector<Trial>& trials, size_t first_new) {
  Judge(trials, first_new);
  if (trials.size() >= kFewestTrials) {
    std::vector<Measurement> measured;
    for (const Trial& t : trials) measured.push_back({t.config, t.ok, t.value});
    const absl::Status fitted = model_->Fit(BuildDataset(features_, measured));
    trouble_ = std::string(fitted.message());
  }
  trusted_ = model_->fitted() && trouble_.empty() && proven_;
}

std::function<std::vector<float>(const std::vector<Config>&)> ModelGuide::score() const {
  if (!trusted_) return nullptr;
  return [this](const std::vector<Config>& configs) {
    return model_->Predict(features_.Matrix(configs));
  };
}

std::function<std::vector<Belief>(const std::vector<Config>&)> ModelGuide::belief() const {
  if (!trusted_) return nullptr;
  return [this](const std::vector<Config>& configs) {
    std::vector<float> spread;
    const std::vector<float> mean = model_->Predict(features_.Matrix(configs), &spread);
    std::vector<Belief> beliefs(mean.size());
    for (size_t i = 0; i < mean.size(); i++) beliefs[i] = {mean[i], spread[i]};
    return beliefs;
  };
}

std::string ModelGuide::report() const {
  std::string text = origin_;
  if (correlation_)
    text += fmt::format("; rank correlation {:.2f} on the newest batch", *correlation_);
  if (set_aside_ > 0) {
    text +=
        fmt::format("; no better than chance after {} batches, the next were random", set_aside_);
  }
  if (!trouble_.empty()) text += "; not fitted: " + trouble_;
  for (const FeatureError& e : features_.errors()) {
    text += fmt::format("; feature {} could not be computed for {} configs", e.what, e.rows);
  }
  return text;
}

}  // namespace halyard
