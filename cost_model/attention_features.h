// Columns of attention (schedules/attention_schedule.h) and of softmax.
#pragma once

#include <memory>

#include "cost_model/estimate.h"

namespace halyard {

// nullptr where the workload has no queries, keys and depth.
std::unique_ptr<OperatorFeatures> MakeAttentionFeatures(const Task& task);
// nullptr where it is not on independent rows.
std::unique_ptr<OperatorFeatures> MakeRowFeatures(const Task& task);

}  // namespace halyard
