// The chains step together, so that the model scores them in one batch; a step is some tenths of a
// millisecond, too little to be worth sharing between threads.

#include "tuner/strategies/annealing.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "tuner/strategies/proposal_batch.h"

namespace halyard {
namespace {

constexpr int kChains = 128;
constexpr int kSteps = 240;
// Steps in which no chain bettered its own best before the search is called converged.
constexpr int kPatience = 25;
constexpr size_t kIncumbents = 24;
constexpr double kHot = 0.3, kCold = 0.01;
// Streams of CallRng: from here on, one a chain.
constexpr uint64_t kFirstChain = 2;

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
  std::vector<ScoredConfig> Untried() const {
    std::vector<ScoredConfig> found;
    for (const auto& [index, score] : scores_) {
      if (state_.tried.count(index) == 0) found.push_back({index, score});
    }
    std::sort(found.begin(), found.end(), [](const ScoredConfig& a, const ScoredConfig& b) {
      return a.score != b.score ? a.score > b.score : a.index < b.index;
    });
    return found;
  }

 private:
  const SearchState& state_;
  const ScheduleSpace& space_;
  std::unordered_map<uint64_t, float> scores_;
};

}  // namespace

std::vector<ScoredConfig> Anneal(const SearchState& state, uint64_t seed) {
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

}  // namespace halyard
