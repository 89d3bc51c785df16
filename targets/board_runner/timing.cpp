#include "targets/board_runner/timing.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "targets/counter_rng.h"

namespace halyard {
namespace {

// A hand-over is two wake-ups of a sleeping process: 10 to 60 us on an idle machine.
constexpr int64_t kSlackNs = 100'000;
// A machine that others use takes the processor away in between now and then, but not every time.
constexpr int kMostTries = 20;
// So that what a false claim could gain within the slack stays an eighth.
constexpr int64_t kLeastSampleNs = 1'600'000;

// What runs of a kernel gave, whatever they were for.
void Note(const Judge& judge, const Judge::Answer& answer, EntryResult* result) {
  if (answer.kernel_error == 0 || result->kernel_error != 0) return;
  result->kernel_error = answer.kernel_error;
  result->kernel_message = judge.Message();
}

int64_t TimeOneRun(Judge& judge, EntryResult* result) {
  const Judge::Answer answer = judge.Ask(Asked::kRun);
  Note(judge, answer, result);
  return std::max<int64_t>(1, answer.elapsed_ns);
}

// As many runs as last `min_ns`. The clock is read once a batch, and batches are sized by the last
// estimate, so that reading it does not weigh on kernels of a microsecond.
Batches RunFor(Judge& judge, int64_t estimate_ns, int64_t min_ns, EntryResult* result) {
  Batches all;
  while (all.hand_overs == 0 || (all.elapsed_ns < min_ns && result->kernel_error == 0)) {
    const int64_t batch = std::clamp<int64_t>(
        (min_ns - all.elapsed_ns + estimate_ns - 1) / estimate_ns, 1, 1'000'000);
    const Judge::Answer answer = judge.Ask(Asked::kRun, batch);
    Note(judge, answer, result);
    all.runs += batch;
    all.claimed_ns += answer.claimed_ns;
    all.elapsed_ns += answer.elapsed_ns;
    all.spent.waited_ns += answer.spent.waited_ns;
    all.spent.busy_ns += answer.spent.busy_ns;
    ++all.hand_overs;
    estimate_ns = std::max<int64_t>(1, all.elapsed_ns / all.runs);
  }
  return all;
}

std::string Doubt(const Batches& b) {
  return "forged time: claimed " + std::to_string(b.claimed_ns) + " ns for " +
         std::to_string(b.runs) + " runs that took " + std::to_string(b.elapsed_ns) + " ns";
}

// Adds a sample, the mean over its runs; or says in the result why there can be none.
void TakeSample(Judge& judge, int64_t estimate_ns, const TimingPolicy& policy,
                EntryResult* result) {
  const int64_t min_ns = std::max(policy.min_sample_ns, kLeastSampleNs);
  for (int tries = 1;; ++tries) {
    judge.operands().PlaceDecoys();
    const Batches all = RunFor(judge, estimate_ns, min_ns, result);
    // A kernel that has done its work once and returns at once thereafter.
    result->poison_left += judge.operands().DecoysLeft();
    if (!WorthTiming(*result)) return;
    if (Plausible(all, judge.threads())) {
      result->samples_ns.push_back(static_cast<double>(std::max<int64_t>(1, all.claimed_ns)) /
                                   static_cast<double>(all.runs));
      return;
    }
    if (tries < kMostTries) continue;
    result->doubt = Doubt(all);
    return;
  }
}

// One checked run on a poisoned output.
EntryResult CheckedRun(Judge& judge) {
  EntryResult result;
  Operands& operands = judge.operands();
  operands.PoisonOutput();
  if (operands.packed() != nullptr) {
    operands.PoisonPacked();
    Note(judge, judge.Ask(Asked::kPrepare), &result);
    operands.KeepPacked();
  }
  if (result.kernel_error == 0) Note(judge, judge.Ask(Asked::kRun), &result);
  operands.Scan(&result);
  return result;
}

void Finish(Judge& judge, EntryResult* result) {
  judge.Stop();
  judge.operands().ReadOutput(result);
  if (!WorthTiming(*result)) result->samples_ns.clear();
}

// One sample is slow by chance too often to be the end of a candidate, unless by far.
bool GivenUp(const std::vector<double>& samples, const TimingPolicy& policy) {
  constexpr double kByFar = 3;
  if (policy.incumbent_ns <= 0 || samples.size() > 2) return false;
  const double limit = policy.give_up_factor * policy.incumbent_ns;
  const double fastest = *std::min_element(samples.begin(), samples.end());
  return fastest > (samples.size() == 1 ? kByFar * limit : limit);
}

}  // namespace

bool Plausible(const Batches& b, int threads) {
  // Nobody's clock may run ahead of ours by more than its rounding.
  if (b.claimed_ns < 0 || b.claimed_ns > b.elapsed_ns + b.elapsed_ns / 1000 + 1000) return false;
  const int64_t slack = b.hand_overs * kSlackNs + b.elapsed_ns / 16;
  const int64_t missing = b.elapsed_ns - b.claimed_ns;
  if (missing <= slack) return true;
  return missing <= slack + b.spent.waited_ns && b.spent.busy_ns <= b.claimed_ns * threads + slack;
}

EntryResult MeasureEntry(Judge& judge, const TimingPolicy& policy, ConditionsWatch& watch) {
  // The checked run touches every page and fills the caches, so it is the first warm-up; a slow
  // kernel needs no other, and a trial of it is mostly these runs.
  const int64_t checked_begin = NowNs();
  EntryResult result = CheckedRun(judge);
  if (WorthTiming(result)) {
    const int64_t begin = NowNs();
    int64_t estimate_ns = std::max<int64_t>(1, begin - checked_begin);
    for (int i = 0; i < policy.warmup_runs && estimate_ns < policy.cap_ns / 8; ++i) {
      estimate_ns = TimeOneRun(judge, &result);
    }
    const int64_t warm = NowNs();
    watch.Begin(warm - checked_begin, [&] { TimeOneRun(judge, &result); });
    // Waiting for the clock is no part of what the cap is for.
    const int64_t waited = NowNs() - warm;
    do {
      TakeSample(judge, estimate_ns, policy, &result);
      if (!WorthTiming(result)) break;
      estimate_ns = std::max<int64_t>(1, std::llround(result.samples_ns.back()));
    } while (!GivenUp(result.samples_ns, policy) &&
             static_cast<int>(result.samples_ns.size()) < policy.samples &&
             NowNs() - begin - waited < policy.cap_ns);
    watch.End();
  }
  Finish(judge, &result);
  return result;
}

std::vector<EntryResult> MeasureInterleaved(std::vector<std::unique_ptr<Judge>>& judges, int rounds,
                                            uint64_t seed, const TimingPolicy& policy,
                                            ConditionsWatch& watch) {
  std::vector<EntryResult> results;
  for (auto& judge : judges) results.push_back(CheckedRun(*judge));
  std::vector<size_t> order(judges.size());
  std::iota(order.begin(), order.end(), 0);
  // Ahead of each sample its kernel runs once, since the others have emptied the caches; one that
  // takes far longer than a cache takes to fill does without.
  constexpr int64_t kNeedsNoWarmUpNs = 100'000'000;
  std::vector<int64_t> estimate_ns(judges.size(), 0);
  constexpr uint64_t kOrderStream = 1ull << 32;
  // The clock is judged under one and the same of the loads.
  const auto load = [&] {
    for (size_t k = 0; k < judges.size(); ++k) {
      if (WorthTiming(results[k])) return void(TimeOneRun(*judges[k], &results[k]));
    }
  };
  watch.Begin(0, load);
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[CounterBits(seed, kOrderStream + round, i) % i]);
    }
    for (size_t k : order) {
      if (!WorthTiming(results[k])) continue;
      if (estimate_ns[k] < kNeedsNoWarmUpNs) estimate_ns[k] = TimeOneRun(*judges[k], &results[k]);
      TakeSample(*judges[k], estimate_ns[k], policy, &results[k]);
    }
  }
  watch.End(load);
  for (size_t k = 0; k < judges.size(); ++k) Finish(*judges[k], &results[k]);
  return results;
}

}  // namespace halyard
