// The search without its measurements: what to measure next, what is learnt from it, when to stop.
// A search on a board and a replay of recorded measurements are this one loop.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cost_model/base_model.h"
#include "schedules/task.h"
#include "tuner/expected_gain.h"
#include "tuner/search_guide.h"
#include "tuner/search_strategy.h"

namespace halyard {

// Why a search ended, where callers want to know.
inline constexpr char kTrialBudgetUsed[] = "trial budget used";
inline constexpr char kSpaceUsedUp[] = "every valid config has been tried";
inline constexpr char kTooLittleExpected[] = "too little is expected of more trials";

// A search none of whose first trials, this many, were ok stops: there is nothing to expect from.
inline constexpr int kFruitlessTrials = 256;

// When a search has had enough.
struct SearchLimits {
  int trials = std::numeric_limits<int>::max();  // budget, resumed ones included
  // Stops when the next kForecastTrials are expected to bring less than this share of the best
  // value; 0: never for that.
  double stop_gain = 0;
};

// Not thread-safe. `task` must outlive it.
class SearchCore {
 public:
  // `guide` may be null where the strategy does not use a score.
  SearchCore(const Task& task, std::unique_ptr<SearchStrategy> strategy,
             std::unique_ptr<SearchGuide> guide, SearchLimits limits);

  // Valid configs that were good for similar tasks, the most promising first: SearchState::similar.
  void BeginNear(std::vector<Config> similar) { state_.similar = std::move(similar); }

  // Valid configs that are measured ahead of what the strategy proposes, unless they are known.
  void BeginWith(std::vector<Config> first) { first_ = std::move(first); }

  // Takes what earlier runs measured. A config that is there already counts once; false then.
  bool Resume(const Config& config, bool ok, double value);

  // Measures the configs of a batch and calls Add for each it has a result of; a config without one
  // may be proposed again.
  using MeasureBatch = std::function<absl::Status(const std::vector<Config>&)>;
  // Asked before every batch; not empty: the search stops for this reason.
  using WhyStop = std::function<std::string()>;

  // Proposes, has measured, learns: one batch of at most `most` trials. Returns "" where there may
  // be more to do, otherwise why the search is over (a budget is used, too little is expected, the
  // space is used up or `why_stop` says so; nothing was measured then), or the first error of
  // `measure`. REQUIRES: most >= 1.
  absl::StatusOr<std::string> Step(const WhyStop& why_stop, const MeasureBatch& measure,
                                   int most = std::numeric_limits<int>::max());
  // Steps until the search is over. Returns why, or the first error of `measure`.
  absl::StatusOr<std::string> Run(const WhyStop& why_stop, const MeasureBatch& measure);
  void Add(const Config& config, bool ok, double value);
  // What a config that was added before is after more measurements.
  void Refine(const Config& config, bool ok, double value);

  const std::vector<Trial>& trials() const { return state_.trials; }  // resumed ones first
  const Trial* best() const;  // the earliest of the lowest; nullptr where none is ok
  std::optional<double> correlation() const;
  std::string guide_report() const;  // SearchGuide::report
  int batch_size() const { return strategy_->batch_size(); }
  // What the guide says of the configs of the batch that is being measured, in their order; empty
  // where it was not asked.
  const std::vector<float>& predicted() const { return predicted_; }

 private:
  std::string WhyEnough() const;
  std::vector<Config> NextBatch(int most);

  const Task& task_;
  std::unique_ptr<SearchStrategy> strategy_;
  std::unique_ptr<SearchGuide> guide_;
  const SearchLimits limits_;
  SearchState state_;
  std::vector<float> predicted_;
  std::vector<Config> first_;
  bool begun_ = false;  // a step was made, so what was resumed has been learnt from
};

// With one of our strategies, and the cost model for those that use it, which starts from `base`
// where there is one, as the search does from the best configs of similar tasks that it knows.
// REQUIRES: `strategy` is one of StrategyNames().
std::unique_ptr<SearchCore> MakeSearchCore(const Task& task, const std::string& strategy,
                                           uint64_t seed, SearchLimits limits,
                                           std::shared_ptr<const BaseModel> base = nullptr);

// The earliest of the lowest; nullptr where none is ok.
const Trial* BestTrial(const std::vector<Trial>& trials);

}  // namespace halyard
