#include "tuner/search_core.h"

#include <algorithm>

#include "tuner/model_guide.h"

namespace halyard {
namespace {

constexpr size_t kMostSimilar = 24;

}  // namespace

const Trial* BestTrial(const std::vector<Trial>& trials) {
  const Trial* best = nullptr;
  for (const Trial& t : trials) {
    if (t.ok && (best == nullptr || t.value < best->value)) best = &t;
  }
  return best;
}

SearchCore::SearchCore(const Task& task, std::unique_ptr<SearchStrategy> strategy,
                       std::unique_ptr<SearchGuide> guide, SearchLimits limits)
    : task_(task), strategy_(std::move(strategy)), guide_(std::move(guide)), limits_(limits) {
  state_.task = &task_;
}

bool SearchCore::Resume(const Config& config, bool ok, double value) {
  if (state_.tried.count(task_.space.index_of(config)) != 0) return false;
  Add(config, ok, value);
  return true;
}

void SearchCore::Add(const Config& config, bool ok, double value) {
  state_.tried.insert(task_.space.index_of(config));
  state_.trials.push_back({config, ok, ok ? value : 0});
}

void SearchCore::Refine(const Config& config, bool ok, double value) {
  const auto found = std::find_if(state_.trials.rbegin(), state_.trials.rend(),
                                  [&](const Trial& t) { return t.config == config; });
  if (found != state_.trials.rend()) *found = {config, ok, ok ? value : 0};
}

const Trial* SearchCore::best() const { return BestTrial(state_.trials); }

std::optional<double> SearchCore::correlation() const {
  return guide_ != nullptr ? guide_->correlation() : std::nullopt;
}

std::string SearchCore::guide_report() const { return guide_ != nullptr ? guide_->report() : ""; }

std::string SearchCore::WhyEnough() const {
  const auto done = static_cast<int>(state_.trials.size());
  if (done >= limits_.trials) return kTrialBudgetUsed;
  if (best() == nullptr) return done >= kFruitlessTrials ? "no valid schedule" : "";
  const bool enough = ForecastGain(state_.trials, kForecastTrials).gain < limits_.stop_gain;
  return enough ? kTooLittleExpected : "";
}

std::vector<Config> SearchCore::NextBatch(int most) {
  if (guide_ != nullptr) {
    state_.score = guide_->score();
    state_.belief = guide_->belief();
  }
  const int left = std::min(most, limits_.trials - static_cast<int>(state_.trials.size()));
  std::vector<Config> configs = strategy_->Propose(state_, std::min(strategy_->batch_size(), left));
  // The baseline of every report is measured like any other candidate, and first.
  if (state_.trials.empty()) first_.insert(first_.begin(), task_.space.safe());
  for (auto config = first_.rbegin(); config != first_.rend(); ++config) {
    if (state_.tried.count(task_.space.index_of(*config)) != 0) continue;
    std::erase(configs, *config);
    configs.insert(configs.begin(), *config);
  }
  first_.clear();
  configs.resize(std::min<size_t>(configs.size(), static_cast<size_t>(left)));
  // A score of nothing is nothing that a model can be asked for.
  predicted_ = state_.score && !configs.empty() ? state_.score(configs) : std::vector<float>();
  return configs;
}

absl::StatusOr<std::string> SearchCore::Step(const WhyStop& why_stop, const MeasureBatch& measure,
                                             int most) {
  if (!begun_ && guide_ != nullptr && !state_.trials.empty()) {
    guide_->Learn(state_.trials, state_.trials.size());
  }
  begun_ = true;
  if (std::string why = why_stop(); !why.empty()) return why;
  if (std::string why = WhyEnough(); !why.empty()) return why;
  const std::vector<Config> configs = NextBatch(most);
  if (configs.empty()) return kSpaceUsedUp;
  const size_t first_new = state_.trials.size();
  if (absl::Status s = measure(configs); !s.ok()) return s;
  if (guide_ != nullptr) guide_->Learn(state_.trials, first_new);
  return "";
}

absl::StatusOr<std::string> SearchCore::Run(const WhyStop& why_stop, const MeasureBatch& measure) {
  absl::StatusOr<std::string> why = "";
  while (why.ok() && why->empty()) why = Step(why_stop, measure);
  return why;
}

std::unique_ptr<SearchCore> MakeSearchCore(const Task& task, const std::string& strategy,
                                           uint64_t seed, SearchLimits limits,
                                           std::shared_ptr<const BaseModel> base) {
  std::unique_ptr<SearchStrategy> search = MakeStrategy(strategy, seed);
  std::unique_ptr<SearchGuide> guide;
  if (search->uses_score()) guide = std::make_unique<ModelGuide>(task, seed, base);
  auto core = std::make_unique<SearchCore>(task, std::move(search), std::move(guide), limits);
  if (base != nullptr) core->BeginNear(ConfigsOfSimilarTasks(base->known, task, kMostSimilar));
  return core;
}

}  // namespace halyard
