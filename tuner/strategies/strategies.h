// The search strategies, one source file each. MakeStrategy in tuner/search_strategy.h picks one by
// name. None keeps state that a resumed search would miss: proposals are a function of the seed and
// the SearchState.
#pragma once

#include <cstdint>
#include <memory>

#include "tuner/search_strategy.h"

namespace halyard {

// Parallel annealing chains over SearchState::score; random proposals while there is none.
std::unique_ptr<SearchStrategy> MakeSimulatedAnnealing(uint64_t seed);
// Valid configs, uniform over ScheduleSpace::Random.
std::unique_ptr<SearchStrategy> MakeRandomSearch(uint64_t seed);
// Walks the whole space once, in an order that spreads any prefix over it.
std::unique_ptr<SearchStrategy> MakeGridSearch(uint64_t seed);
// Crossover and mutation of the best measured configs; uses measurements only.
std::unique_ptr<SearchStrategy> MakeGeneticSearch(uint64_t seed);

}  // namespace halyard
