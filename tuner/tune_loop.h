// The search: propose, build, run, check, append, fit.
#pragma once

#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tuner/screening.h"
#include "tuner/search_core.h"
#include "tuner/trial_runner.h"

namespace halyard {

struct SearchResult {
  std::vector<Trial> trials;        // earlier runs' first
  std::map<Outcome, int> outcomes;  // of all of them
  std::map<std::string, int>
      failures;        // message -> trials, digits masked so that alike counts as one
  int resumed = 0;     // trials found in the log
  double seconds = 0;  // of this run's search
  Forecast forecast;   // of kForecastTrials more; of none where the space is used up
  std::optional<double> correlation;  // SearchGuide::correlation
  std::string model;                  // SearchGuide::report
  std::string stopped_because;
  // Of this run's ok trials, for the final; config index -> build.
  std::map<uint64_t, BuildResult> artifacts;

  const Trial* best() const;
};

// Called after every trial and every batch.
class SearchObserver {
 public:
  virtual ~SearchObserver() = default;
  virtual void OnPhase(const std::string& what) = 0;  // "building 16", "measuring"
  virtual void OnTrial(const SearchResult& so_far) = 0;
};

// A search on a board that goes a batch at a time. Not thread-safe. `bench` and `observer` must
// outlive it.
class TaskSearch {
 public:
  TaskSearch(const Workbench& bench, SearchObserver& observer);

  // Takes what earlier runs logged of this task (LoggedConfigs), so that nothing is measured twice.
  // Of another compiler's builds nothing is taken: it makes other programs of the same configs. To
  // be called once, first. Not OK where the log cannot be read.
  absl::Status Resume();
  // Configs to measure ahead of what the strategy proposes, but for those that are known. Before
  // the first step.
  void BeginWith(std::vector<Config> configs) { core_->BeginWith(std::move(configs)); }
  // SearchCore::Step, of at most `most` trials; `why_stop` is also asked before every candidate.
  // Not OK only where the log cannot be written (ResourceExhausted: the disk is full) or the board
  // is lost for good (Unavailable).
  absl::StatusOr<std::string> Step(const SearchCore::WhyStop& why_stop,
                                   int most = std::numeric_limits<int>::max());

  // As of the last step; result().stopped_because says whether it was the last one.
  const SearchResult& result() const { return result_; }
  // What `more` trials are expected to bring: none and nothing where the space is used up. No
  // seconds before this run's first trial.
  Forecast Expect(int more) const;
  int batch_size() const { return core_->batch_size(); }

 private:
  const Workbench& bench_;
  SearchObserver& observer_;
  std::unique_ptr<SearchCore> core_;
  Screening screening_;
  TrialPace pace_;
  SearchResult result_;
};

// Ends at the trial or time budget, on interrupt, when too little is expected of more trials, or
// when the space is used up. Errors are those of TaskSearch.
absl::StatusOr<SearchResult> Search(const Workbench& bench, double time_budget_seconds,
                                    SearchObserver& observer);

}  // namespace halyard
