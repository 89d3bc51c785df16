#include "tuner/search_core.h"

#include <algorithm>

#include "tuner/model_guide.h"

namespace halyard {
namespace {

constexpr size_t kMostSimilar = 24;

int TrialsSinceBest(const std::vector<Trial>& trials) {
  double best = 0;
  size_t at = 0;
  for (size_t i = 0; i < trials.size(); i++) {
    // Half a percent is inside the noise of one screening.
    if (trials[i].ok && (best == 0 || trials[i].value < 0.995 * best)) {
      best = trials[i].value;
      at = i;
    }
  }
  return static_cast<int>(trials.size() - at);
}

}  // namespace

const Trial* BestTrial(const std::vector<Trial>& trials) {
  const Trial* best = nullptr;
  for (const Trial& t : trials) {
    if (t.ok && (best == nullptr || t.value < best->value)) best = &t;
  }
  return best;
}

SearchCore::SearchCore(const Task& task, std::unique_ptr<SearchStrategy> strategy,
                       std::unique_ptr<SearchGuide> guide, int trials)
    : task_(task), strategy_(std::move(strategy)), guide_(std::move(guide)), budget_(trials) {
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
  if (static_cast<int>(state_.trials.size()) >= budget_) return "trial budget used";
  if (TrialsSinceBest(state_.trials) > kPatienceTrials) return "no improvement";
  return "";
}

std::vector<Config> SearchCore::NextBatch() {
  if (guide_ != nullptr) {
    state_.score = guide_->score();
    state_.belief = guide_->belief();
  }
  const int left = budget_ - static_cast<int>(state_.trials.size());
  std::vector<Config> configs = strategy_->Propose(state_, std::min(strategy_->batch_size(), left));
  // The baseline of every report is measured like any other candidate, and first.
  if (state_.trials.empty()) {
    std::erase(configs, task_.space.safe());
    configs.insert(configs.begin(), task_.space.safe());
    configs.resize(std::min<size_t>(configs.size(), static_cast<size_t>(left)));
  }
  return configs;
}

absl::StatusOr<std::string> SearchCore::Run(const WhyStop& why_stop, const MeasureBatch& measure) {
  if (guide_ != nullptr && !state_.trials.empty()) {
    guide_->Learn(state_.trials, state_.trials.size());
  }
  while (true) {
    if (std::string why = why_stop(); !why.empty()) return why;
    if (std::string why = WhyEnough(); !why.empty()) return why;
    const std::vector<Config> configs = NextBatch();
    if (configs.empty()) return "every valid config has been tried";
    const size_t first_new = state_.trials.size();
    if (absl::Status s = measure(configs); !s.ok()) return s;
    if (guide_ != nullptr) guide_->Learn(state_.trials, first_new);
  }
}

std::unique_ptr<SearchCore> MakeSearchCore(const Task& task, const std::string& strategy,
                                           uint64_t seed, int trials,
                                           std::shared_ptr<const BaseModel> base) {
  std::unique_ptr<SearchStrategy> search = MakeStrategy(strategy, seed);
  std::unique_ptr<SearchGuide> guide;
  if (search->uses_score()) guide = std::make_unique<ModelGuide>(task, seed, base);
  auto core = std::make_unique<SearchCore>(task, std::move(search), std::move(guide), trials);
  if (base != nullptr) core->BeginNear(ConfigsOfSimilarTasks(base->known, task, kMostSimilar));
  return core;
}

}  // namespace halyard
