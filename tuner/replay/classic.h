// The classic baseline of earlier tuners, for comparison only: simulated annealing over a ranking
// model that sees plain knob values, in batches of 64. After Chen et al., "Learning to Optimize
// Tensor Programs", NeurIPS 2018, and the tuner that came with it: 128 chains of 500 steps, trees
// of depth 3, eta 0.3, a pairwise objective, 5 % of each batch at random.
#pragma once

#include <cstdint>
#include <memory>

#include "tuner/search_guide.h"
#include "tuner/search_strategy.h"

namespace halyard {

// Trials of a batch, and how deep the model's ranking is looked at.
inline constexpr int kClassicBatch = 64;

std::unique_ptr<SearchStrategy> MakeClassicSearch(uint64_t seed);
// Trains on one thread; the same seed and trials give the same scores. `task` must outlive it.
std::unique_ptr<SearchGuide> MakeClassicGuide(const Task& task, uint64_t seed);

}  // namespace halyard
