#include "tuner/strategies/proposal_batch.h"

#include <algorithm>

#include "targets/counter_rng.h"

namespace halyard {

ProposalBatch::ProposalBatch(const SearchState& state, int count)
    : state_(state),
      space_(state.task->space),
      capacity_(static_cast<size_t>(std::max(0, count))) {}

bool ProposalBatch::fresh(uint64_t index) const {
  return state_.tried.count(index) == 0 && indices_.count(index) == 0;
}

bool ProposalBatch::Add(const Config& config) {
  if (full()) return false;
  const uint64_t index = space_.index_of(config);
  if (!fresh(index)) return false;
  indices_.insert(index);
  configs_.push_back(config);
  return true;
}

void ProposalBatch::FillRandom(std::mt19937_64& rng) {
  // Where most draws give nothing new, either the space is nearly exhausted or draws fall again and
  // again on the few configs that many combinations canonicalise to.
  constexpr int kMissesInARow = 200;
  int misses = 0;
  while (!full() && misses < kMissesInARow) {
    const std::optional<Config> config = space_.Random(rng);
    if (!config.has_value()) break;
    misses = Add(*config) ? 0 : misses + 1;
  }
  if (full()) return;
  if (space_.size() <= kEnumerable) {
    FillByEnumeration(rng);
  } else {
    FillByWalking(rng);
  }
}

void ProposalBatch::FillByWalking(std::mt19937_64& rng) {
  constexpr int kMissesInARow = 500;
  constexpr size_t kStepsPerWalk = 12;
  // Neighbour stays within the valid configs, however few of all combinations they are.
  for (int misses = 0; !full() && misses < kMissesInARow;) {
    Config at = space_.safe();
    const size_t known = state_.trials.size();
    if (const size_t start = DrawBelow(rng, known + 1); start < known) {
      at = state_.trials[start].config;
    }
    misses = Add(at) ? 0 : misses + 1;
    for (size_t step = 0; step < kStepsPerWalk && !full() && misses < kMissesInARow; step++) {
      Config next = space_.Neighbour(at, rng);
      if (next == at) break;
      at = std::move(next);
      misses = Add(at) ? 0 : misses + 1;
    }
  }
}

void ProposalBatch::FillByEnumeration(std::mt19937_64& rng) {
  const auto size = static_cast<int64_t>(space_.size());
  std::vector<char> open(static_cast<size_t>(size), 0);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < size; i++) {
    const auto index = static_cast<uint64_t>(i);
    open[i] = fresh(index) && space_.valid(space_.config_at(index)) ? 1 : 0;
  }
  std::vector<uint64_t> remaining;
  for (int64_t i = 0; i < size; i++) {
    if (open[i] != 0) remaining.push_back(static_cast<uint64_t>(i));
  }
  for (size_t i = 0; i < remaining.size() && !full(); i++) {
    std::swap(remaining[i], remaining[i + DrawBelow(rng, remaining.size() - i)]);
    Add(space_.config_at(remaining[i]));
  }
}

std::mt19937_64 CallRng(const SearchState& state, uint64_t seed, uint64_t stream) {
  return std::mt19937_64(CounterBits(seed, stream, state.trials.size()));
}

size_t DrawBelow(std::mt19937_64& rng, size_t n) {
  return static_cast<size_t>((static_cast<unsigned __int128>(rng()) * n) >> 64);
}

double DrawUnit(std::mt19937_64& rng) { return static_cast<double>(rng() >> 11) * 0x1.0p-53; }

std::vector<const Trial*> BestTrials(const SearchState& state, size_t limit) {
  std::vector<const Trial*> best;
  for (const Trial& t : state.trials) {
    if (t.ok) best.push_back(&t);
  }
  std::stable_sort(best.begin(), best.end(),
                   [](const Trial* a, const Trial* b) { return a->value < b->value; });
  if (best.size() > limit) best.resize(limit);
  return best;
}

int KnobDistance(const Config& a, const Config& b) {
  int distance = 0;
  for (size_t k = 0; k < a.size(); k++) distance += a[k] != b[k] ? 1 : 0;
  return distance;
}

}  // namespace halyard
