// How a candidate is timed on a physical board.
#pragma once

#include <cstdint>
#include <vector>

#include "targets/board_runner/conditions_watch.h"
#include "targets/board_runner/kernel.h"

namespace halyard {

// One checked run on a poisoned output: everything of EntryResult but the samples.
EntryResult CheckedRun(Kernel& kernel);

// A checked run and, where its output may be right, samples under the policy.
EntryResult MeasureEntry(Kernel& kernel, const TimingPolicy& policy, ConditionsWatch& watch);

// A checked run of each kernel, then `rounds` rounds; each round takes one sample of every kernel
// that passed, in an order drawn from the seed. One warm-up call precedes each sample, because the
// other kernels have evicted the caches.
std::vector<EntryResult> MeasureInterleaved(std::vector<std::unique_ptr<Kernel>>& kernels,
                                            int rounds, uint64_t seed, const TimingPolicy& policy,
                                            ConditionsWatch& watch);

}  // namespace halyard
