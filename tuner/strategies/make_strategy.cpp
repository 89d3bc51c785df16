#include "tuner/strategies/strategies.h"

namespace halyard {

std::unique_ptr<SearchStrategy> MakeStrategy(const std::string& name, uint64_t seed) {
  if (name == "sa") return MakeSimulatedAnnealing(seed);
  if (name == "random") return MakeRandomSearch(seed);
  if (name == "grid") return MakeGridSearch(seed);
  if (name == "genetic") return MakeGeneticSearch(seed);
  return nullptr;
}

std::vector<std::string> StrategyNames() { return {"sa", "random", "grid", "genetic"}; }

}  // namespace halyard
