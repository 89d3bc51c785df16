// Batches of simulated annealing over the cost model's score.
//
// Every untried config that the chains (annealing.h) looked at stands for election to the batch, by
// the improvement it promises, which counts what the model's members disagree on; the batch also
// keeps shares for neighbours of the best measured configs and for random ones, because the model
// can be wrong, and the first one for what was best for similar tasks. tuner/replay/EVIDENCE.md
// says what the shares rest on.

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tuner/strategies/annealing.h"
#include "tuner/strategies/proposal_batch.h"
#include "tuner/strategies/strategies.h"

namespace halyard {
namespace {

// Of a batch: at random, near the best measured, and, of the first one, as similar tasks' best
// were.
constexpr double kExploreShare = 0.10, kLocalShare = 0.10, kSimilarShare = 0.125;
// Configs, best scores first, whose expected improvement is looked at.
constexpr size_t kConsidered = 2048;
// What the members of an ensemble do not know they do not know, in units of the prediction.
constexpr double kSharedDoubt = 0.06;
constexpr size_t kLocalParents = 8;
constexpr int kNeighboursPerParent = 4;

// Streams of CallRng; those of annealing follow.
enum Stream : uint64_t { kExplore, kLocal };

// Jones, Schonlau and Welch, "Efficient global optimization of expensive black-box functions",
// Journal of Global Optimization 13, 1998, equation 15.
double ExpectedImprovement(const Belief& belief, double over) {
  const double sigma = std::hypot(static_cast<double>(belief.spread), kSharedDoubt);
  const double z = (belief.mean - over) / sigma;
  const double density = std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi);
  return sigma * (z * 0.5 * std::erfc(-z / std::numbers::sqrt2) + density);
}

// Puts the best scores in the order of the improvement they promise over the best measured config,
// by its own prediction: the model's unit is not that of a measurement.
void RankByImprovement(const SearchState& state, std::vector<ScoredConfig>& found) {
  const std::vector<const Trial*> best = BestTrials(state, 1);
  if (!state.belief || best.empty()) return;
  const size_t considered = std::min(found.size(), kConsidered);
  std::vector<Config> configs = {best.front()->config};
  for (size_t i = 0; i < considered; i++) {
    configs.push_back(state.task->space.config_at(found[i].index));
  }
  const std::vector<Belief> beliefs = state.belief(configs);
  std::vector<std::pair<double, ScoredConfig>> ranked;
  for (size_t i = 0; i < considered; i++) {
    ranked.emplace_back(ExpectedImprovement(beliefs[i + 1], beliefs[0].mean), found[i]);
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (size_t i = 0; i < considered; i++) found[i] = ranked[i].second;
}

// Adds the best of `found` until the batch holds `target`. At first at most half of them lie within
// two knobs of one another and none within one: the model likes or dislikes close relatives
// together, and a batch of them would test one opinion only.
void AddDiverse(const ScheduleSpace& space, const std::vector<ScoredConfig>& found, size_t target,
                ProposalBatch& batch) {
  const size_t crowd = 1 + target / 2;
  // Chains near the end look at thousands of relatives; the best of this many still hold the batch.
  const size_t considered = std::min<size_t>(found.size(), 4096);
  for (size_t i = 0; i < considered && batch.size() < target; i++) {
    size_t near = 0;
    const Config config = space.config_at(found[i].index);
    for (const Config& picked : batch.configs()) {
      const int distance = KnobDistance(config, picked);
      near += distance <= 1 ? crowd : (distance == 2 ? 1 : 0);
    }
    if (near < crowd) batch.Add(config);
  }
  for (size_t i = 0; i < found.size() && batch.size() < target; i++) {
    batch.Add(space.config_at(found[i].index));
  }
}

// Adds neighbours of the best measured configs, one a parent and best parent first, until the batch
// holds `target`; of a few draws the model only chooses which.
void AddLocal(const SearchState& state, size_t target, std::mt19937_64& rng, ProposalBatch& batch) {
  const ScheduleSpace& space = state.task->space;
  const std::vector<const Trial*> parents = BestTrials(state, kLocalParents);
  if (parents.empty()) return;
  const size_t rounds = 4 * (1 + target / parents.size());
  for (size_t i = 0; i < rounds * parents.size() && batch.size() < target; i++) {
    const Config& parent = parents[i % parents.size()]->config;
    std::vector<Config> draws;
    for (int d = 0; d < kNeighboursPerParent; d++) {
      Config c = space.Neighbour(parent, rng);
      if (batch.fresh(space.index_of(c))) draws.push_back(std::move(c));
    }
    if (draws.empty()) continue;
    const std::vector<float> scores = state.score(draws);
    const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
    batch.Add(draws[best]);
  }
}

class SimulatedAnnealing final : public SearchStrategy {
 public:
  explicit SimulatedAnnealing(uint64_t seed) : seed_(seed) {}
  std::string name() const override { return "sa"; }
  bool uses_score() const override { return true; }

  std::vector<Config> Propose(const SearchState& state, int count) override {
    ProposalBatch batch(state, count);
    if (state.score && count > 0) {
      const auto explore = static_cast<size_t>(std::lround(kExploreShare * count));
      const auto local = static_cast<size_t>(std::lround(kLocalShare * count));
      const size_t wanted = static_cast<size_t>(count);
      if (state.trials.empty()) {
        const auto similar = static_cast<size_t>(std::lround(kSimilarShare * count));
        for (const Config& c : state.similar) {
          if (batch.size() < similar) batch.Add(c);
        }
      }
      std::vector<ScoredConfig> found = Anneal(state, seed_);
      RankByImprovement(state, found);
      AddDiverse(state.task->space, found, wanted - explore - local, batch);
      std::mt19937_64 rng = CallRng(state, seed_, kLocal);
      AddLocal(state, wanted - explore, rng, batch);
    }
    std::mt19937_64 rng = CallRng(state, seed_, kExplore);
    batch.FillRandom(rng);
    return batch.Take();
  }

 private:
  uint64_t seed_;
};

}  // namespace

std::unique_ptr<SearchStrategy> MakeSimulatedAnnealing(uint64_t seed) {
  return std::make_unique<SimulatedAnnealing>(seed);
}

}  // namespace halyard
