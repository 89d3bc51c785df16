// Recording a part of a schedule space: every valid config measured, once.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "absl/status/statusor.h"
#include "logs/recorded_space.h"
#include "tuner/trial_runner.h"

namespace halyard {

struct RecordingProgress {
  size_t done = 0, total = 0;  // configs with an outcome, those of earlier runs included
  size_t resumed = 0;          // of earlier runs
  double seconds = 0;          // of this run
  double best = 0;             // in the task's unit; 0: none yet
  std::map<Outcome, size_t> outcomes;
};

// Configs that the log knows to be good, best first, each once.
absl::StatusOr<std::vector<Config>> GoodConfigs(const MeasurementLog& log, const Task& task);

// Measures every valid config of bench.task's space, a RestrictTask's, in an order drawn from
// bench.options.seed, so that a machine that drifts does not favour a corner. Each measurement is
// in bench.log when it is done; what is there already is not measured again. Timed as in a search,
// except that only configs 3 times slower than the best so far are given up after one sample: in a
// replay they may all be compared. What was lost, unstable or out of time is measured again, twice
// at most.
//
// Aborted: interrupted; Unavailable: lost for good; otherwise what the log says.
absl::StatusOr<RecordedSpace> RecordSpace(
    const Workbench& bench, const std::function<void(const RecordingProgress&)>& show);

}  // namespace halyard
