// Turns measured configs of one or several tasks into training rows for a cost model.
#pragma once

#include <span>
#include <vector>

#include "cost_model/cost_model.h"
#include "cost_model/features.h"
#include "schedules/task.h"

namespace halyard {

struct Measurement {
  Config config;
  bool ok = false;
  double value = 0;  // meaningful where ok; smaller is better; one unit within a task
};

struct MeasuredTask {
  const Task* task = nullptr;
  std::vector<Measurement> measurements;
};

// best / value for each measurement, in (0, 1]; 0 where it failed. All 0 where none is ok.
std::vector<float> RelativeThroughput(std::span<const Measurement> measurements);

// One group per task that has measurements, in the order given. The columns are those of `schema`,
// the task that is being searched; another task's features go to the columns of the same name, and
// a column it does not have is NaN, which the trees treat as missing. (Its features that `schema`
// does not have could never be asked about and are left out.)
Dataset BuildDataset(const FeatureExtractor& schema, std::span<const MeasuredTask> tasks);

}  // namespace halyard
