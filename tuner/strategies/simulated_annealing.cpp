// Simulated annealing over the cost model's score.
//
// Half the chains start at the best measured configs or at those of similar tasks, half at random
// ones. A chain moves to a
// neighbour that scores better, and to a worse one with probability exp(drop / temperature)
// (Kirkpatrick, Gelatt, Vecchi, "Optimization by Simulated Annealing", Science 220, 1983). The
// temperature falls geometrically from kHot to kCold, in units of the standard deviation of the
// scores the chains start with, so it means the same for any model. Every untried config a chain
// looked at stands for election to the batch, by the improvement it promises, which counts what the
// model's members disagree on; the batch also keeps shares for neighbours of the best measured
// configs and for random ones, because the model can be wrong.
//
// The chains step together, so that the model scores them in one batch; a step is some tenths of a
// millisecond, too little to be worth sharing between threads.

#include <algorithm>
#include <cmath>
#include <numbers>
#include <unordered_map>

#include "tuner/strategies/proposal_batch.h"
#include "tuner/strategies/strategies.h"

namespace halyard {
namespace {

constexpr int kChains = 128;
constexpr int kSteps = 240;
// Steps in which no chain bettered its own best before the search is called converged.
constexpr int kPatience = 25;
constexpr size_t kIncumbents = 24;
constexpr double kHot = 0.3, kCold = 0.01;
// Of a batch: at random, near the best measured, and, of the first one, as similar tasks' best
// were.
constexpr double kExploreShare = 0.10, kLocalShare = 0.10, kSimilarShare = 0.125;
// Configs, best scores first, whose expected improvement is looked at.
constexpr size_t kConsidered = 2048;
// What the members of an ensemble do not know they do not know, in units of the prediction.
constexpr double kSharedDoubt = 0.06;
constexpr size_t kLocalParents = 8;
constexpr int kNeighboursPerParent = 4;

// Streams of CallRng; chains take those from kFirstChain on.
enum Stream : uint64_t { kExplore, kLocal, kFirstChain };

struct Scored {
  uint64_t index;
  float score;
};

struct Chain {
  std::mt19937_64 rng;
  Config config;
  float score = 0, best = 0;
};

double StandardDeviation(const std::vector<float>& values) {
  double sum = 0, squares = 0;
  for (const float v : values) sum += v;
  const double mean = sum / static_cast<double>(values.size());
  for (const float v : values) squares += (v - mean) * (v - mean);
  return std::sqrt(squares / static_cast<double>(values.size()));
}

std::vector<Chain> StartChains(const SearchState& state, uint64_t seed) {
  const ScheduleSpace& space = state.task->space;
  const std::vector<const Trial*> incumbents = BestTrials(state, kIncumbents);
  std::vector<Chain> chains(kChains);
  for (int c = 0; c < kChains; c++) {
    Chain& chain = chains[c];
    chain.rng = CallRng(state, seed, kFirstChain + static_cast<uint64_t>(c));
    std::optional<Config> random;
    if (c % 2 == 1 || incumbents.empty()) {
      // Few attempts: in a sparse space an incumbent is as good a start, and soon had.
      random = space.Random(chain.rng, /*attempts=*/1000);
    }
    const size_t incumbent = static_cast<size_t>(c) / 2;
    const size_t similar = static_cast<size_t>(c) / 4;
    if (c % 4 == 0 && !state.similar.empty()) {
      chain.config = state.similar[similar % state.similar.size()];
    } else if (random.has_value()) {
      chain.config = *std::move(random);
    } else if (incumbents.empty()) {
      chain.config = space.safe();
    } else {
      chain.config = incumbents[incumbent % incumbents.size()]->config;
    }
  }
  return chains;
}

// Scores of everything that one call looks at. Chains meet again and again near the best, and in a
// small space everywhere; nothing is scored twice.
class ScoreBook {
 public:
  explicit ScoreBook(const SearchState& state) : state_(state), space_(state.task->space) {}

  std::vector<float> Scores(const std::vector<Config>& configs) {
    std::vector<Config> unknown;
    std::vector<uint64_t> indices;
    for (const Config& c : configs) {
      indices.push_back(space_.index_of(c));
      if (scores_.try_emplace(indices.back(), 0.0f).second) unknown.push_back(c);
    }
    if (!unknown.empty()) {
      const std::vector<float> scores = state_.score(unknown);
      for (size_t i = 0; i < unknown.size(); i++) scores_[space_.index_of(unknown[i])] = scores[i];
    }
    std::vector<float> result;
    for (const uint64_t index : indices) result.push_back(scores_[index]);
    return result;
  }

  // The untried ones, best first.
  std::vector<Scored> Untried() const {
    std::vector<Scored> found;
    for (const auto& [index, score] : scores_) {
      if (state_.tried.count(index) == 0) found.push_back({index, score});
    }
    std::sort(found.begin(), found.end(), [](const Scored& a, const Scored& b) {
      return a.score != b.score ? a.score > b.score : a.index < b.index;
    });
    return found;
  }

 private:
  const SearchState& state_;
  const ScheduleSpace& space_;
  std::unordered_map<uint64_t, float> scores_;
};

// Untried configs that the chains looked at, best score first.
std::vector<Scored> Anneal(const SearchState& state, uint64_t seed) {
  const ScheduleSpace& space = state.task->space;
  std::vector<Chain> chains = StartChains(state, seed);
  ScoreBook book(state);
  std::vector<Config> batch;
  for (const Chain& chain : chains) batch.push_back(chain.config);
  std::vector<float> scores = book.Scores(batch);
  for (int c = 0; c < kChains; c++) chains[c].score = chains[c].best = scores[c];
  // Equal scores everywhere: any unit will do, every move is level.
  const double deviation = StandardDeviation(scores);
  const double unit = deviation > 0 ? deviation : 1;

  int idle = 0;
  for (int step = 0; step < kSteps && idle < kPatience; step++) {
    for (int c = 0; c < kChains; c++) {
      batch[c] = space.Neighbour(chains[c].config, chains[c].rng);
    }
    scores = book.Scores(batch);
    const double temperature = unit * kHot * std::pow(kCold / kHot, step / double(kSteps - 1));
    bool bettered = false;
    for (int c = 0; c < kChains; c++) {
      Chain& chain = chains[c];
      const double gain = static_cast<double>(scores[c]) - chain.score;
      if (gain < 0 && DrawUnit(chain.rng) >= std::exp(gain / temperature)) continue;
      chain.config = batch[c];
      chain.score = scores[c];
      if (chain.score > chain.best) {
        chain.best = chain.score;
        bettered = true;
      }
    }
    idle = bettered ? 0 : idle + 1;
  }
  return book.Untried();
}

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
void RankByImprovement(const SearchState& state, std::vector<Scored>& found) {
  const std::vector<const Trial*> best = BestTrials(state, 1);
  if (!state.belief || best.empty()) return;
  const size_t considered = std::min(found.size(), kConsidered);
  std::vector<Config> configs = {best.front()->config};
  for (size_t i = 0; i < considered; i++) {
    configs.push_back(state.task->space.config_at(found[i].index));
  }
  const std::vector<Belief> beliefs = state.belief(configs);
  std::vector<std::pair<double, Scored>> ranked;
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
void AddDiverse(const ScheduleSpace& space, const std::vector<Scored>& found, size_t target,
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
      std::vector<Scored> found = Anneal(state, seed_);
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
