#include "targets/board_runner/timing.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "targets/counter_rng.h"
#include "targets/timing_rules.h"

namespace halyard {
namespace {

int64_t NowNs() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC_RAW, &t);
  return t.tv_sec * int64_t{1'000'000'000} + t.tv_nsec;
}

int64_t TimeOneRun(Kernel& kernel) {
  const int64_t start = NowNs();
  kernel.Run();
  return std::max<int64_t>(1, NowNs() - start);
}

// Mean over as many repeats as last `min_ns`. The clock is read once a batch, and batches are
// sized by the last estimate, so that reading it does not weigh on kernels of a microsecond.
double SampleNs(Kernel& kernel, int64_t estimate_ns, int64_t min_ns) {
  int64_t runs = 0;
  int64_t elapsed = 0;
  while (runs == 0 || elapsed < min_ns) {
    const int64_t batch =
        std::clamp<int64_t>((min_ns - elapsed + estimate_ns - 1) / estimate_ns, 1, 1'000'000);
    const int64_t start = NowNs();
    for (int64_t i = 0; i < batch; ++i) kernel.Run();
    elapsed += NowNs() - start;
    runs += batch;
    estimate_ns = std::max<int64_t>(1, elapsed / runs);
  }
  return static_cast<double>(elapsed) / static_cast<double>(runs);
}

}  // namespace

EntryResult CheckedRun(Kernel& kernel) {
  EntryResult result;
  kernel.PoisonOutput();
  result.kernel_error = kernel.Prepare();
  if (result.kernel_error == 0) result.kernel_error = kernel.Run();
  kernel.ReadOutput(&result);
  return result;
}

EntryResult MeasureEntry(Kernel& kernel, const TimingPolicy& policy, ConditionsWatch& watch) {
  // The checked run touches every page and fills the caches, so it is the first warm-up; a slow
  // kernel needs no other, and a trial of it is mostly these runs.
  const int64_t checked_begin = NowNs();
  EntryResult result = CheckedRun(kernel);
  if (!WorthTiming(result)) return result;
  const int64_t begin = NowNs();
  int64_t estimate_ns = begin - checked_begin;
  for (int i = 0; i < policy.warmup_runs && estimate_ns < policy.cap_ns / 8; ++i) {
    estimate_ns = TimeOneRun(kernel);
  }
  const int64_t warm = NowNs();
  watch.Begin(warm - checked_begin, [&] { kernel.Run(); });
  // Waiting for the clock is no part of what the cap is for.
  const int64_t waited = NowNs() - warm;
  do {
    result.samples_ns.push_back(SampleNs(kernel, estimate_ns, policy.min_sample_ns));
    estimate_ns = std::max<int64_t>(1, std::llround(result.samples_ns.back()));
  } while (!GivenUp(result.samples_ns, policy) &&
           static_cast<int>(result.samples_ns.size()) < policy.samples &&
           NowNs() - begin - waited < policy.cap_ns);
  watch.End();
  kernel.CheckIntegrity(&result);
  return result;
}

std::vector<EntryResult> MeasureInterleaved(std::vector<std::unique_ptr<Kernel>>& kernels,
                                            int rounds, uint64_t seed, const TimingPolicy& policy,
                                            ConditionsWatch& watch) {
  std::vector<EntryResult> results;
  for (auto& kernel : kernels) results.push_back(CheckedRun(*kernel));
  std::vector<size_t> order(kernels.size());
  std::iota(order.begin(), order.end(), 0);
  // Ahead of each sample its kernel runs once, since the others have emptied the caches; one that
  // takes far longer than a cache takes to fill does without.
  constexpr int64_t kNeedsNoWarmUpNs = 100'000'000;
  std::vector<int64_t> estimate_ns(kernels.size(), 0);
  constexpr uint64_t kOrderStream = 1ull << 32;
  // The clock is judged under one and the same of the loads.
  const auto load = [&] {
    for (size_t k = 0; k < kernels.size(); ++k) {
      if (WorthTiming(results[k])) return void(kernels[k]->Run());
    }
  };
  watch.Begin(0, load);
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[CounterBits(seed, kOrderStream + round, i) % i]);
    }
    for (size_t k : order) {
      if (!WorthTiming(results[k])) continue;
      if (estimate_ns[k] < kNeedsNoWarmUpNs) estimate_ns[k] = TimeOneRun(*kernels[k]);
      results[k].samples_ns.push_back(SampleNs(*kernels[k], estimate_ns[k], policy.min_sample_ns));
    }
  }
  watch.End(load);
  for (size_t k = 0; k < kernels.size(); ++k) kernels[k]->CheckIntegrity(&results[k]);
  return results;
}

}  // namespace halyard
