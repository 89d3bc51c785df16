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
  // How far the value is to be believed: see kSingleSampleWeight.
  float weight = 1;
  int repeats = 1;  // independent measurements that `value` is the median of
};

// A candidate far behind the incumbent keeps its first sample only. On a machine that others use
// one sample in ten is slow by chance, often twofold, and then nothing corrects it.
inline constexpr float kSingleSampleWeight = 0.5f;

struct MeasuredTask {
  const Task* task = nullptr;
  std::vector<Measurement> measurements;
};

// best / value for each measurement, in (0, 1]; 0 where it failed. All 0 where none is ok.
std::vector<float> RelativeThroughput(std::span<const Measurement> measurements);

// One group per task that has measurements, in the order given.
Dataset BuildDataset(std::span<const MeasuredTask> tasks);
// The same for one task, through an extractor that counts its errors.
Dataset BuildDataset(const FeatureExtractor& features, std::span<const Measurement> measurements);

// Appends the groups of `more`. REQUIRES: the same columns, or an empty `data`.
void AppendDataset(const Dataset& more, Dataset& data);

}  // namespace halyard
