// Counted runs on a virtual board: between marker instructions the emulator's plugin sees, with
// nothing in reach that could make two runs of a kernel differ.
#pragma once

#include "targets/board_runner/kernel.h"

namespace halyard {

// Replaces the runtime's parallel loops by serial ones between markers, and its allocator by an
// arena whose addresses depend on nothing but the kernel's own calls.
void ConfigureCounting();

// One checked run on a stack of its own, between the markers of a kernel.
EntryResult CountEntry(Kernel& kernel);

}  // namespace halyard
