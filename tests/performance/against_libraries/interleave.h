// Fair timing of several libraries in one process.
#pragma once

#include <vector>

#include "contender.h"

namespace halyard {

// samples[c][round] in seconds a run. Each round takes the contenders in another order. Before a
// contender's turn the process sleeps, so that another library's threads, which spin for a while
// after their work, are asleep; then the contender runs unmeasured until its own are awake and the
// caches are its own; then as often as fits `sample_seconds`, once at least.
std::vector<std::vector<double>> Interleave(const std::vector<Contender>& contenders, int rounds,
                                            double sample_seconds, uint64_t seed);

double Median(std::vector<double> samples);

}  // namespace halyard
