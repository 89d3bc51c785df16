// What every strategy needs to fill a batch: no duplicates, nothing tried before, and random draws
// that a resumed search repeats.
#pragma once

#include <cstdint>
#include <random>
#include <unordered_set>
#include <vector>

#include "tuner/search_strategy.h"

namespace halyard {

// Collects the proposals of one call. `state` must outlive it.
class ProposalBatch {
 public:
  ProposalBatch(const SearchState& state, int count);

  size_t size() const { return configs_.size(); }
  bool full() const { return size() >= capacity_; }
  const std::vector<Config>& configs() const { return configs_; }
  // Neither tried nor in the batch.
  bool fresh(uint64_t index) const;
  // False, and nothing added, where the config is not fresh or the batch is full.
  // REQUIRES: config is valid.
  bool Add(const Config& config);
  // Adds random configs until the batch is full or the space seems exhausted. Where draws give
  // nothing new, a space of up to kEnumerable combinations is enumerated, so that its last configs
  // are found too, and a larger one is walked from neighbour to neighbour.
  void FillRandom(std::mt19937_64& rng);
  std::vector<Config> Take() { return std::move(configs_); }

 private:
  // Validity takes a few microseconds: a quarter of a second on two cores.
  static constexpr uint64_t kEnumerable = 200'000;

  void FillByEnumeration(std::mt19937_64& rng);
  void FillByWalking(std::mt19937_64& rng);

  const SearchState& state_;
  const ScheduleSpace& space_;
  size_t capacity_;
  std::vector<Config> configs_;
  std::unordered_set<uint64_t> indices_;
};

// A generator for one purpose (`stream`) of one call: a function of the seed and of how many trials
// there have been, so a resumed search draws what the uninterrupted one would have drawn.
std::mt19937_64 CallRng(const SearchState& state, uint64_t seed, uint64_t stream);

// Uniform in [0, n); the same sequence with every standard library. REQUIRES: n > 0.
size_t DrawBelow(std::mt19937_64& rng, size_t n);
// Uniform in [0, 1).
double DrawUnit(std::mt19937_64& rng);

// The successful trials, best first, `limit` at most; equal values in the order of trial.
std::vector<const Trial*> BestTrials(const SearchState& state, size_t limit);

// Number of knobs in which two configs of one space differ.
int KnobDistance(const Config& a, const Config& b);

}  // namespace halyard
