// Timing of entries under a TimingPolicy, by hand-overs to the workers they run in.
#pragma once

#include <memory>
#include <vector>

#include "targets/board_runner/conditions_watch.h"
#include "targets/board_runner/judge.h"

namespace halyard {

// A checked run and, where its output may be right, samples under the policy. What is reported of
// the output is what the last run left, looked at when nothing of the worker runs any more.
EntryResult MeasureEntry(Judge& judge, const TimingPolicy& policy, ConditionsWatch& watch);

// A checked run of each kernel, then `rounds` rounds; each round takes one sample of every kernel
// that passed, in an order drawn from the seed. One warm-up call precedes each sample, because the
// other kernels have evicted the caches.
std::vector<EntryResult> MeasureInterleaved(std::vector<std::unique_ptr<Judge>>& judges, int rounds,
                                            uint64_t seed, const TimingPolicy& policy,
                                            ConditionsWatch& watch);

// Some runs of a kernel, asked for in `hand_overs` batches.
struct Batches {
  int64_t runs = 0;
  int64_t claimed_ns = 0;  // by the worker
  int64_t elapsed_ns = 0;  // between asking and being answered
  WorkerClock::Reading spent;
  int hand_overs = 0;
};

// Whether the worker's claim may be true. What is missing to the time that elapsed must be that of
// the hand-overs or of waiting for a processor; and where there was such waiting, which a kernel
// with many threads might bring about, what its `threads` can do in the claimed time must be all
// that was done.
bool Plausible(const Batches& batches, int threads);

}  // namespace halyard
