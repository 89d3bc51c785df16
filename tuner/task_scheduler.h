// Which of several tasks, that share one budget, gets the next batch of trials.
//
// The objective is the weighted sum of the tasks' best times, which is what a network that calls
// each of them `weight` times spends. A batch is worth what it is expected to take off that sum,
//   weight x best time x expected relative gain of the batch,
// and goes where that is most for its cost. The idea, to follow the gradient of the objective, is
// of Ansor's task scheduler (Zheng et al., "Ansor: Generating High-Performance Tensor Programs for
// Deep Learning", OSDI 2020, section 6); where Ansor extrapolates the last gradient and the ratio
// of FLOP/s to similar tasks, the expected gain here is tuner/expected_gain.h's forecast.
#pragma once

#include <optional>
#include <vector>

#include "tuner/expected_gain.h"

namespace halyard {

struct TaskStanding {
  double weight = 1;  // calls
  int trials = 0;     // so far
  double best = 0;    // in a unit that all tasks share; 0: no trial was ok yet
  Forecast next;      // of the task's next batch
  double cost = 1;    // of that batch, in whatever the shared budget counts: trials or seconds
  bool finished = false;
};

// Expected to come off the objective for each unit of the budget.
double WorthOf(const TaskStanding& task);

// The index of the task whose next batch is worth most, the first of equals; nothing where all are
// finished. A task not yet begun goes before all others. One of which no trial was ok has no time
// to reckon with: it comes first while it has had less than half of an equal share of all trials,
// and otherwise when nothing else is left, so that it neither starves nor hogs. Thread-safe.
// REQUIRES: cost > 0.
std::optional<size_t> NextTask(const std::vector<TaskStanding>& tasks);

}  // namespace halyard
