// From what became of the board runner's process to the outcome of a run.
#pragma once

#include <string>

#include "rpc_farm/executor.h"
#include "targets/child_process.h"

namespace halyard {

RunOutcome OutcomeOfRunner(const ChildResult& child, const RunRequest& request);

// Makes an ok run kUnstable where the conditions that came with it say that its times are void.
void VoidIfUnstable(RunOutcome* outcome);

// One line without control characters, cut to a length fit for a record.
std::string OneLine(const std::string& text);

}  // namespace halyard
