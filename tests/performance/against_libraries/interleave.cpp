#include "interleave.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <random>
#include <thread>

namespace halyard {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kOthersFallAsleep = std::chrono::milliseconds(4);
constexpr double kWarmUpSeconds = 1e-3;

// Mean of as many runs as last `seconds`.
double Sample(const Contender& c, double seconds) {
  const auto begin = Clock::now();
  int runs = 0;
  double elapsed = 0;
  for (int batch = 1; elapsed < seconds; batch = std::max(1, runs / 4)) {
    for (int i = 0; i < batch; i++) c.run();
    runs += batch;
    elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
  }
  return elapsed / runs;
}

}  // namespace

std::vector<std::vector<double>> Interleave(const std::vector<Contender>& contenders, int rounds,
                                            double sample_seconds, uint64_t seed) {
  std::vector<std::vector<double>> samples(contenders.size());
  std::vector<size_t> order(contenders.size());
  std::iota(order.begin(), order.end(), 0);
  std::mt19937_64 rng(seed);
  for (int round = 0; round < rounds; round++) {
    std::shuffle(order.begin(), order.end(), rng);
    for (size_t c : order) {
      std::this_thread::sleep_for(kOthersFallAsleep);
      Sample(contenders[c], kWarmUpSeconds);
      samples[c].push_back(Sample(contenders[c], sample_seconds));
    }
  }
  return samples;
}

double Median(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  const size_t half = samples.size() / 2;
  return samples.size() % 2 == 1 ? samples[half] : (samples[half - 1] + samples[half]) / 2;
}

}  // namespace halyard
