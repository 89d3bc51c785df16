// Genetic search: the best measured configs are the population; parents win tournaments, children
// mix two parents and move a knob or two. Measurements only: a reference for what the model adds.

#include <algorithm>
#include <cmath>

#include "tuner/strategies/proposal_batch.h"
#include "tuner/strategies/strategies.h"

namespace halyard {
namespace {

constexpr size_t kPopulation = 48;
// Below this there is nothing worth breeding from.
constexpr size_t kFounders = 8;
constexpr size_t kTournament = 3;
constexpr double kCrossover = 0.7;
// Children of a crossover are mutated this often, the others always.
constexpr double kMutation = 0.5;
constexpr double kImmigrants = 0.1;
constexpr int kTriesPerChild = 40;

class GeneticSearch final : public SearchStrategy {
 public:
  explicit GeneticSearch(uint64_t seed) : seed_(seed) {}
  std::string name() const override { return "genetic"; }

  std::vector<Config> Propose(const SearchState& state, int count) override {
    ProposalBatch batch(state, count);
    std::mt19937_64 rng = CallRng(state, seed_, /*stream=*/0);
    const std::vector<const Trial*> population = BestTrials(state, kPopulation);
    if (population.size() >= kFounders) {
      const auto children = static_cast<size_t>(std::ceil((1 - kImmigrants) * count));
      int tries = kTriesPerChild * count;
      while (batch.size() < children && tries-- > 0) {
        batch.Add(Child(state.task->space, population, rng));
      }
    }
    batch.FillRandom(rng);
    return batch.Take();
  }

 private:
  // The population is sorted, so the smallest of a few draws is the fittest of them.
  static const Config& Parent(const std::vector<const Trial*>& population, std::mt19937_64& rng) {
    size_t winner = population.size();
    for (size_t i = 0; i < kTournament; i++) {
      winner = std::min(winner, DrawBelow(rng, population.size()));
    }
    return population[winner]->config;
  }

  static Config Child(const ScheduleSpace& space, const std::vector<const Trial*>& population,
                      std::mt19937_64& rng) {
    const Config& mother = Parent(population, rng);
    if (DrawUnit(rng) < kCrossover) {
      std::optional<Config> mixed = space.Crossover(mother, Parent(population, rng), rng);
      if (mixed.has_value() && *mixed != mother) {
        return DrawUnit(rng) < kMutation ? space.Neighbour(*mixed, rng) : *mixed;
      }
    }
    return space.Neighbour(mother, rng);
  }

  uint64_t seed_;
};

}  // namespace

std::unique_ptr<SearchStrategy> MakeGeneticSearch(uint64_t seed) {
  return std::make_unique<GeneticSearch>(seed);
}

}  // namespace halyard
