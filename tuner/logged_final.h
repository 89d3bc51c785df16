// A final that an earlier run made: what a resumed suite need not measure again.
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "tuner/final.h"

namespace halyard {

// Nothing where the log has no final of the task, or has screenings newer than it. Its table holds
// the configs without the peer, which is not logged. Errors are those of MeasurementLog::Query.
absl::StatusOr<std::optional<FinalResult>> LoggedFinal(const MeasurementLog& log, const Task& task);

}  // namespace halyard
