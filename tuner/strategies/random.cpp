// Random search: the yardstick that every other strategy has to beat.

#include "tuner/strategies/proposal_batch.h"
#include "tuner/strategies/strategies.h"

namespace halyard {
namespace {

class RandomSearch final : public SearchStrategy {
 public:
  explicit RandomSearch(uint64_t seed) : seed_(seed) {}
  std::string name() const override { return "random"; }

  std::vector<Config> Propose(const SearchState& state, int count) override {
    ProposalBatch batch(state, count);
    std::mt19937_64 rng = CallRng(state, seed_, /*stream=*/0);
    batch.FillRandom(rng);
    return batch.Take();
  }

 private:
  uint64_t seed_;
};

}  // namespace

std::unique_ptr<SearchStrategy> MakeRandomSearch(uint64_t seed) {
  return std::make_unique<RandomSearch>(seed);
}

}  // namespace halyard
