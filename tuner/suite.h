// Several tasks that share one budget: the scheduler deals batches of trials to their searches.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tuner/task_scheduler.h"
#include "tuner/tune_loop.h"

namespace halyard {

struct SuiteBudget {
  int trials = std::numeric_limits<int>::max();  // of all tasks in the log, earlier runs' included
  double seconds = std::numeric_limits<double>::infinity();  // of the searches of this run
};

struct SuiteMember {
  Workbench bench;    // its options' trials limit the task alone
  double weight = 1;  // calls
};

struct SuiteSearch {
  std::vector<SearchResult> searches;  // one a member, in order
  double seconds = 0;                  // of this run's searches
  std::string stopped_because;
  // What as many more trials as a batch for each member, well dealt, are expected to take off the
  // weighted sum of the members' best times.
  Forecast forecast;

  int trials() const;   // of all members
  int resumed() const;  // of them, found in the log
};

// Told what is searched now; what SearchObserver is told is of the member named last.
class SuiteObserver : public SearchObserver {
 public:
  virtual void OnMember(size_t member) = 0;
  // No more trials for this member, for `why`.
  virtual void OnFinished(size_t member, const std::string& why) = 0;
};

// Ends when a budget is used, on interrupt (of any member's workbench), or when all members are
// finished: too little is expected of more trials, or their space is used up. Errors are those of
// TaskSearch. REQUIRES: members is not empty.
absl::StatusOr<SuiteSearch> SearchSuite(const std::vector<SuiteMember>& members,
                                        const SuiteBudget& budget, SuiteObserver& observer);

// What `more` trials are expected to take off the weighted sum of best times when they are dealt, a
// batch at a time, to whom they are worth most. `expect(i, n)`: what n more trials of task i are
// expected to bring; tasks of which none was ok are left out. The seconds are empty where a task's
// are.
Forecast ForecastTogether(const std::vector<TaskStanding>& tasks, int more, int batch,
                          const std::function<Forecast(size_t, int)>& expect);

}  // namespace halyard
