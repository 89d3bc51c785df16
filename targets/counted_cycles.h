// From what a virtual board counted of a kernel to how long the kernel takes there.
#pragma once

#include <cstdint>
#include <vector>

#include "targets/run_protocol.h"

namespace halyard {

// When the last of `tasks` is done, which take `cycles[k]` each on a core of kind k, of which there
// are `cores[k]`.
double Makespan(int64_t tasks, const std::vector<double>& cycles, const std::vector<int>& cores);

// Cycles of a kernel: the serial ones, and of each parallel loop what its tasks, taken to be alike,
// cost when a core that is done takes the next one, and no less than the memory takes for what all
// cores read and write. `cores`: of each kind. REQUIRES: each loop was counted for every kind.
double CountedCycles(const EntryResult& counted, const std::vector<int>& cores);

}  // namespace halyard
