// From what became of the board runner's process to the outcome of a run.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "rpc_farm/executor.h"
#include "targets/child_process.h"

namespace halyard {

// Whether what a board sent can be the reply to the request: as many results as were asked for, and
// figures that a run can have. Whoever reads them goes by their number and order. InvalidArgument:
// what is wrong.
absl::Status CheckReply(const RunReply& reply, const RunRequest& request);

RunOutcome OutcomeOfRunner(const ChildResult& child, const RunRequest& request);

// Makes an ok run kUnstable where the conditions that came with it say that its times are void.
void VoidIfUnstable(RunOutcome* outcome);

// One line without control characters, cut to a length fit for a record.
std::string OneLine(const std::string& text);

}  // namespace halyard
