// The search without its measurements: what to measure next, what is learnt from it, when to stop.
// A search on a board and a replay of recorded measurements are this one loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cost_model/base_model.h"
#include "schedules/task.h"
#include "tuner/search_guide.h"
#include "tuner/search_strategy.h"

namespace halyard {

// A search that has not got better for this many trials stops.
inline constexpr int kPatienceTrials = 256;

// Not thread-safe. `task` must outlive it.
class SearchCore {
 public:
  // `guide` may be null where the strategy does not use a score. `trials`: budget, resumed ones
  // included.
  SearchCore(const Task& task, std::unique_ptr<SearchStrategy> strategy,
             std::unique_ptr<SearchGuide> guide, int trials);

  // Valid configs that were good for similar tasks, the most promising first: SearchState::similar.
  void BeginNear(std::vector<Config> similar) { state_.similar = std::move(similar); }

  // Takes what earlier runs measured. A config that is there already counts once; false then.
  bool Resume(const Config& config, bool ok, double value);

  // Measures the configs of a batch and calls Add for each it has a result of; a config without one
  // may be proposed again.
  using MeasureBatch = std::function<absl::Status(const std::vector<Config>&)>;
  // Asked before every batch; not empty: the search stops for this reason.
  using WhyStop = std::function<std::string()>;

  // Proposes, has measured, learns, until a budget is used, nothing improves, the space is used up
  // or `why_stop` says so. Returns why it stopped, or the first error of `measure`.
  absl::StatusOr<std::string> Run(const WhyStop& why_stop, const MeasureBatch& measure);
  void Add(const Config& config, bool ok, double value);
  // What a config that was added before is after more measurements.
  void Refine(const Config& config, bool ok, double value);

  const std::vector<Trial>& trials() const { return state_.trials; }  // resumed ones first
  const Trial* best() const;  // the earliest of the lowest; nullptr where none is ok
  std::optional<double> correlation() const;
  std::string guide_report() const;  // SearchGuide::report

 private:
  std::string WhyEnough() const;
  std::vector<Config> NextBatch();

  const Task& task_;
  std::unique_ptr<SearchStrategy> strategy_;
  std::unique_ptr<SearchGuide> guide_;
  const int budget_;
  SearchState state_;
};

// With one of our strategies, and the cost model for those that use it, which starts from `base`
// where there is one, as the search does from the best configs of similar tasks that it knows.
// REQUIRES: `strategy` is one of StrategyNames().
std::unique_ptr<SearchCore> MakeSearchCore(const Task& task, const std::string& strategy,
                                           uint64_t seed, int trials,
                                           std::shared_ptr<const BaseModel> base = nullptr);

// The earliest of the lowest; nullptr where none is ok.
const Trial* BestTrial(const std::vector<Trial>& trials);

}  // namespace halyard
