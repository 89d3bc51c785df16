// Base models for replays: each space's was trained without it, as a search finds a task that
// nobody has measured.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "cost_model/base_model.h"
#include "cost_model/dataset.h"
#include "logs/recorded_space.h"

namespace halyard {

// One model a space, trained on `others` and on the spaces of the other folds; nothing of the
// space's workload family (WorkloadFamily) is learned from, on no device. `folds` trainings.
// InvalidArgument: nothing is left to train on.
absl::StatusOr<std::vector<std::shared_ptr<const BaseModel>>> HeldOutModels(
    std::span<const RecordedTask> spaces, std::span<const MeasuredTask> others, int folds,
    uint64_t seed);

}  // namespace halyard
