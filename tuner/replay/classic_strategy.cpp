// The classic strategy. Its chains start at random configs in every call, where its model walked on
// from where they last stood: proposals are to be a function of seed and state.

#include <algorithm>
#include <cmath>
#include <set>

#include "tuner/replay/classic.h"
#include "tuner/strategies/proposal_batch.h"

namespace halyard {
namespace {

constexpr int kChains = 128;
constexpr int kSteps = 500;
// Steps in which the best configs seen stayed the same before the chains stop.
constexpr int kPatience = 50;
constexpr double kEpsilon = 0.05;
// Moves tried before a chain stays where it is: in our spaces most are invalid.
constexpr int kAttempts = 64;

enum Stream : uint64_t { kExplore, kAnneal };

// Another value of one knob, drawn at random; the config itself where no draw was valid.
Config Walk(const ScheduleSpace& space, const Config& from, std::mt19937_64& rng) {
  for (int attempt = 0; attempt < kAttempts; attempt++) {
    const size_t k = DrawBelow(rng, from.size());
    const size_t n = space.knobs()[k].values.size();
    if (n < 2) continue;
    Config to = from;
    to[k] = static_cast<int>((static_cast<size_t>(from[k]) + 1 + DrawBelow(rng, n - 1)) % n);
    to = space.canonical(std::move(to));
    if (to != from && space.valid(to)) return to;
  }
  return from;
}

// The best untried configs that were seen, at most `capacity` of them.
class BestSeen {
 public:
  BestSeen(const SearchState& state, size_t capacity) : state_(state), capacity_(capacity) {}

  // Whether it was taken in.
  bool Offer(const Config& config, float score) {
    const uint64_t index = state_.task->space.index_of(config);
    if (ranked_.size() == capacity_ && score <= -ranked_.rbegin()->first) return false;
    if (state_.tried.count(index) != 0 || !ranked_.insert({-score, index}).second) return false;
    if (ranked_.size() > capacity_) ranked_.erase(std::prev(ranked_.end()));
    return true;
  }

  // Best first.
  std::vector<Config> configs() const {
    std::vector<Config> all;
    for (const auto& [cost, index] : ranked_) all.push_back(state_.task->space.config_at(index));
    return all;
  }

 private:
  const SearchState& state_;
  const size_t capacity_;
  std::set<std::pair<float, uint64_t>> ranked_;
};

std::vector<Config> Anneal(const SearchState& state, size_t wanted, std::mt19937_64& rng) {
  const ScheduleSpace& space = state.task->space;
  std::vector<Config> at, next(kChains);
  for (int c = 0; c < kChains; c++) at.push_back(space.Random(rng).value_or(space.safe()));
  std::vector<float> scores = state.score(at);
  BestSeen best(state, wanted);
  for (int c = 0; c < kChains; c++) best.Offer(at[c], scores[c]);

  int idle = 0;
  for (int step = 0; step < kSteps && idle < kPatience; step++) {
    for (int c = 0; c < kChains; c++) next[c] = Walk(space, at[c], rng);
    const std::vector<float> next_scores = state.score(next);
    const double temperature = 1 - static_cast<double>(step) / kSteps;
    bool news = false;
    for (int c = 0; c < kChains; c++) {
      news = best.Offer(next[c], next_scores[c]) || news;
      const double gain = static_cast<double>(next_scores[c]) - scores[c];
      if (gain < 0 && DrawUnit(rng) >= std::exp(gain / (temperature + 1e-5))) continue;
      at[c] = next[c];
      scores[c] = next_scores[c];
    }
    idle = news ? 0 : idle + 1;
  }
  return best.configs();
}

class ClassicSearch final : public SearchStrategy {
 public:
  explicit ClassicSearch(uint64_t seed) : seed_(seed) {}
  std::string name() const override { return "classic"; }
  int batch_size() const override { return kClassicBatch; }
  bool uses_score() const override { return true; }

  std::vector<Config> Propose(const SearchState& state, int count) override {
    ProposalBatch batch(state, count);
    if (state.score && count > 0) {
      const auto explore = static_cast<size_t>(std::lround(kEpsilon * count));
      std::mt19937_64 rng = CallRng(state, seed_, kAnneal);
      for (const Config& c : Anneal(state, static_cast<size_t>(count) - explore, rng)) {
        batch.Add(c);
      }
    }
    std::mt19937_64 rng = CallRng(state, seed_, kExplore);
    batch.FillRandom(rng);
    return batch.Take();
  }

 private:
  uint64_t seed_;
};

}  // namespace

std::unique_ptr<SearchStrategy> MakeClassicSearch(uint64_t seed) {
  return std::make_unique<ClassicSearch>(seed);
}

}  // namespace halyard
