#include "targets/board_runner/peak.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "targets/judge/tensor.h"

namespace halyard {
namespace {

#if defined(__x86_64__)
#define KEEP(v) "+v"(v)
#pragma GCC push_options
#pragma GCC target("avx512f")
namespace avx512 {
constexpr int kVectorBytes = 64;
#include "targets/board_runner/fma_loop.inc"
}  // namespace avx512
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
constexpr int kVectorBytes = 32;
#include "targets/board_runner/fma_loop.inc"
}  // namespace avx2
#pragma GCC pop_options
namespace baseline {
#undef KEEP
#define KEEP(v) "+x"(v)
#else
#define KEEP(v) "+w"(v)
namespace baseline {
#endif
constexpr int kVectorBytes = 16;
#include "targets/board_runner/fma_loop.inc"
}  // namespace baseline

struct FmaLoop {
  float (*run)(long, float, float);
  double flops_per_iteration;
};

FmaLoop WidestLoop() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return {avx512::Loop, avx512::kFlopsPerIteration};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return {avx2::Loop, avx2::kFlopsPerIteration};
  }
#endif
  return {baseline::Loop, baseline::kFlopsPerIteration};
}

// Best of a few repetitions of `work(thread)` on all threads at once, in seconds. The best, because
// a disturbance only ever makes a repetition slower.
double BestSeconds(int threads, int repetitions, const std::function<void(int)>& work) {
  using Clock = std::chrono::steady_clock;
  std::vector<std::vector<std::pair<Clock::time_point, Clock::time_point>>> spans(
      repetitions, std::vector<std::pair<Clock::time_point, Clock::time_point>>(threads));
  std::barrier start(threads);
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t) {
    pool.emplace_back([&, t] {
      for (int r = 0; r < repetitions; ++r) {
        start.arrive_and_wait();
        spans[r][t].first = Clock::now();
        work(t);
        spans[r][t].second = Clock::now();
      }
    });
  }
  for (std::thread& thread : pool) thread.join();
  double best = 1e30;
  for (const auto& span : spans) {
    auto begin = span[0].first;
    auto end = span[0].second;
    for (const auto& s : span) {
      begin = std::min(begin, s.first);
      end = std::max(end, s.second);
    }
    best = std::min(best, std::chrono::duration<double>(end - begin).count());
  }
  return best;
}

}  // namespace

double MeasureFmaGflops(int threads) {
  const FmaLoop loop = WidestLoop();
  // About 30 ms on a core of 3 GHz with two FMA pipes.
  constexpr long kIterations = 15'000'000;
  std::vector<float> sinks(static_cast<size_t>(threads) * 16);
  const double seconds = BestSeconds(threads, 8, [&](int t) {
    volatile float m = 0.5f;
    sinks[static_cast<size_t>(t) * 16] = loop.run(kIterations, m, m);
  });
  return loop.flops_per_iteration * kIterations * threads / seconds * 1e-9;
}

double MeasureCopyGbPerS(int threads) {
  // Source and destination: 256 MiB together, beyond the last-level cache of common CPUs.
  constexpr int64_t kElements = int64_t{32} << 20;
  Tensor source(kElements);
  Tensor destination(kElements);
  source.Poison();
  destination.Poison();
  const double seconds = BestSeconds(threads, 6, [&](int t) {
    const int64_t begin = kElements * t / threads;
    const int64_t end = kElements * (t + 1) / threads;
    std::memcpy(destination.data() + begin, source.data() + begin, (end - begin) * sizeof(float));
  });
  return 2.0 * kElements * sizeof(float) / seconds * 1e-9;
}

}  // namespace halyard
