// Several tasks that share one budget: the scheduler deals batches of trials to their searches.
#pragma once

#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "tuner/task_scheduler.h"
#include "tuner/tune_loop.h"

namespace halyard {

struct SuiteBudget {
  int trials = std::numeric_limits<int>::max();  // of all tasks in the log, earlier runs' included
  double seconds = std::numeric_limits<double>::infinity();  // of the searches of this run
  // Of all boards together, and what they have been used for so far. Thread-safe.
  double board_seconds = std::numeric_limits<double>::infinity();
  std::function<double()> board_seconds_used = nullptr;
  double board_seconds_kept = 0;  // besides, for what comes after the searches
};

struct SuiteMember {
  Workbench bench;    // its options' trials limit the task alone
  double weight = 1;  // calls, times the priority
  // Searches of different lanes go on at the same time, those of one lane in turn. One board, or
  // boards that disturb each other, are one lane.
  size_t lane = 0;
  // Measured first, in this order; see TaskSearch::BeginWith.
  std::vector<Config> first = {};
};

struct SuiteSearch {
  std::vector<SearchResult> searches;  // one a member, in order
  double seconds = 0;                  // of this run's searches
  std::string stopped_because;
  // Devices of which the boards were lost for good while others' went on, and why.
  std::map<std::string, absl::Status> lost;
  // What as many more trials as a batch for each member, well dealt, are expected to take off the
  // weighted sum of the members' best times.
  Forecast forecast;

  int trials() const;   // of all members
  int resumed() const;  // of them, found in the log
};

// Told what is searched. Calls come from different threads, never two at once.
class SuiteObserver {
 public:
  virtual ~SuiteObserver() = default;
  virtual void OnPhase(size_t member, const std::string& what) = 0;
  virtual void OnTrial(size_t member, const SearchResult& so_far) = 0;
  // A batch of the member's is done, or was given up.
  virtual void OnBatch(size_t /*member*/) {}
  // No more trials for this member, for `why`.
  virtual void OnFinished(size_t member, const std::string& why) = 0;
};

// Ends when a budget is used, on interrupt (of any member's workbench), or when all members are
// finished: too little is expected of more trials, or their space is used up. A batch goes where it
// is worth most: weights are compared as they are among the members of one device, and as shares of
// a device's weighted sum of best times among devices, whose times nothing else relates. Errors are
// those of TaskSearch; one ends all lanes. REQUIRES: members is not empty.
absl::StatusOr<SuiteSearch> SearchSuite(const std::vector<SuiteMember>& members,
                                        const SuiteBudget& budget, SuiteObserver& observer);

// What `more` trials are expected to take off the weighted sum of best times when they are dealt, a
// batch at a time, to whom they are worth most. `expect(i, n)`: what n more trials of task i are
// expected to bring; tasks of which none was ok are left out. The seconds are empty where a task's
// are.
Forecast ForecastTogether(const std::vector<TaskStanding>& tasks, int more, int batch,
                          const std::function<Forecast(size_t, int)>& expect);

}  // namespace halyard
