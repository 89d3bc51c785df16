// The search: propose, build, run, check, append, fit.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
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

// Ends at the trial or time budget, on interrupt, when nothing improves, or when the space is used
// up. Status is not OK only where the log cannot be written (ResourceExhausted: the disk is full)
// or the board is lost for good.
absl::StatusOr<SearchResult> Search(const Workbench& bench, double time_budget_seconds,
                                    SearchObserver& observer);

}  // namespace halyard
