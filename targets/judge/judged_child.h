// A board runner in a process of its own, with its judge in this one.
#pragma once

#include <functional>
#include <string>

#include "targets/child_process.h"
#include "targets/run_protocol.h"

namespace halyard {

// Starts the runner with the input and the limits and waits for its end: RunChild, or a sandbox's.
using StartRunner = std::function<ChildResult(const std::string& input, const ChildLimits& limits)>;

// Runs `request`, of which the runner gets on its stdin what it needs, and of whose tensors there
// is as much as fits into limits.memory_bytes. Where the runner has done all that it was asked and
// exited with 0, `out` is the RunReply's JSON, which is the judge's word and not the runner's; else
// it is empty, as of a runner that gave no reply. `sys_root`: where the board's /sys lies.
// Thread-safe.
ChildResult RunJudgedChild(const RunRequest& request, const std::string& sys_root,
                           ChildLimits limits, const StartRunner& start);

}  // namespace halyard
