// Counted runs on a virtual board: between marker instructions the emulator's plugin sees, with
// nothing in reach that could make two runs of a kernel differ.
#pragma once

#include "targets/board_runner/kernel.h"

namespace halyard {

// Replaces the runtime's parallel loops by serial ones between markers, and its allocator by an
// arena whose addresses depend on nothing but the kernel's own calls.
// `threads`: the cores that a parallel loop is dealt to.
void ConfigureCounting(int threads);

// Runs the kernel on a stack of its own, between the markers of a kernel, which are there if it was
// not `prepared` too; returns what it returned. `caches_warm`: as in a RunRequest.
int CountedRun(Kernel& kernel, bool prepared, bool caches_warm);

}  // namespace halyard
