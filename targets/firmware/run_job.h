// What the firmware does: the one job in its mailbox.
#pragma once

namespace halyard {

// Fills the inputs, poisons the output, runs the job's kernel and reports; then stands still at
// `halyard_stop`, where the debugger has a breakpoint.
[[noreturn]] void RunJob();

}  // namespace halyard
