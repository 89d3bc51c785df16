// Grid search: every config once, in an order that spreads. The walk steps through the indices by a
// stride near size / golden ratio that shares no factor with the size, so it visits each index once
// and any prefix of it is spread over the whole range (Knuth, TAOCP 3, 6.4, Fibonacci hashing).

#include <algorithm>
#include <numeric>

#include "targets/counter_rng.h"
#include "tuner/strategies/proposal_batch.h"
#include "tuner/strategies/strategies.h"

namespace halyard {
namespace {

uint64_t SpreadStride(uint64_t size) {
  constexpr double kInverseGoldenRatio = 0.6180339887498949;
  auto stride =
      std::max<uint64_t>(1, static_cast<uint64_t>(static_cast<double>(size) * kInverseGoldenRatio));
  while (std::gcd(stride, size) != 1) stride++;
  return stride;
}

class GridSearch final : public SearchStrategy {
 public:
  explicit GridSearch(uint64_t seed) : seed_(seed) {}
  std::string name() const override { return "grid"; }

  std::vector<Config> Propose(const SearchState& state, int count) override {
    const ScheduleSpace& space = state.task->space;
    RestartIfOther(state);
    ProposalBatch batch(state, count);
    const uint64_t size = space.size(), stride = SpreadStride(size);
    uint64_t steps = done_, index = done_index_;
    bool settled = true;
    // Bounds the time of a call where hardly any index is valid: about a second at some
    // microseconds each. The next call goes on from here.
    int checks_left = 250'000;
    for (; steps < size && checks_left > 0 && !batch.full(); steps++) {
      if (state.tried.count(index) == 0) {
        checks_left--;
        const Config config = space.config_at(index);
        // What is proposed here may come back unmeasured, so the settled part ends before it.
        if (space.valid(config) && batch.Add(config)) settled = false;
      }
      // index + stride modulo size, without overflow.
      index = index >= size - stride ? index - (size - stride) : index + stride;
      if (settled) {
        done_ = steps + 1;
        done_index_ = index;
      }
    }
    if (!batch.full() && steps < size) {
      std::mt19937_64 rng = CallRng(state, seed_, /*stream=*/0);
      batch.FillRandom(rng);
    }
    return batch.Take();
  }

 private:
  // Another task, or an earlier state of this one: the walk begins anew.
  void RestartIfOther(const SearchState& state) {
    const Task& task = *state.task;
    const bool same = workload_ == task.workload && device_ == task.device.id &&
                      size_ == task.space.size() && trials_ <= state.trials.size();
    trials_ = state.trials.size();
    if (same) return;
    workload_ = task.workload;
    device_ = task.device.id;
    size_ = task.space.size();
    done_ = 0;
    done_index_ = Mix64(seed_ + 1) % size_;
  }

  uint64_t seed_;
  // The walk's first `done_` indices are invalid or tried: a shortcut only, since walking them
  // again would skip each one.
  uint64_t done_ = 0, done_index_ = 0;
  // What the shortcut holds for.
  Workload workload_;
  std::string device_;
  uint64_t size_ = 0;
  size_t trials_ = 0;
};

}  // namespace

std::unique_ptr<SearchStrategy> MakeGridSearch(uint64_t seed) {
  return std::make_unique<GridSearch>(seed);
}

}  // namespace halyard
