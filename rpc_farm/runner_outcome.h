// From what became of the board runner's process to the outcome of a run.
#pragma once

#include <string>

#include "rpc_farm/child_process.h"
#include "rpc_farm/executor.h"

namespace halyard {

RunOutcome OutcomeOfRunner(const ChildResult& child, const RunRequest& request);

// One line without control characters, cut to a length fit for a record.
std::string OneLine(const std::string& text);

}  // namespace halyard
