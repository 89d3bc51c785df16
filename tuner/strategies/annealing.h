// Annealing over a score: what a search looks at before it measures.
//
// Half the chains start at the best measured configs or at those of similar tasks, half at random
// ones. A chain moves to a neighbour that scores better, and to a worse one with probability
// exp(drop / temperature) (Kirkpatrick, Gelatt, Vecchi, "Optimization by Simulated Annealing",
// Science 220, 1983). The temperature falls geometrically, in units of the standard deviation of
// the scores the chains start with, so it means the same for any model.
#pragma once

#include <cstdint>
#include <vector>

#include "tuner/search_strategy.h"

namespace halyard {

struct ScoredConfig {
  uint64_t index;  // in the space
  float score;
};

// Every untried config that the chains looked at, best score first. The same seed and state give
// the same. REQUIRES: state.score is not empty.
std::vector<ScoredConfig> Anneal(const SearchState& state, uint64_t seed);

}  // namespace halyard
