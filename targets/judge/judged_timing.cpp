#include "targets/judge/judged_timing.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "targets/counter_rng.h"
#include "targets/judge/conditions_watch.h"
#include "targets/timing_rules.h"

namespace halyard {
namespace {

class JudgedTiming {
 public:
  JudgedTiming(const RunRequest& request, const std::string& sys_root, Judge& judge)
      : request_(request), policy_(request.timing), judge_(judge), watch_(sys_root) {}

  RunReply Run() {
    RunReply reply;
    try {
      if (request_.mode == RunMode::kInterleave) {
        RunInterleaved(&reply);
      } else {
        RunEachEntry(&reply);
      }
    } catch (const Judge::Failed& failure) {
      reply.error = failure.why;
      reply.rejected = failure.rejected;
    }
    judge_.End();
    reply.before = watch_.before();
    reply.after = watch_.after();
    return reply;
  }

 private:
  void RunEachEntry(RunReply* reply) {
    for (uint32_t c = 0; c < request_.candidates.size(); ++c) {
      const std::vector<EntrySpec>& entries = request_.candidates[c].entries;
      std::vector<EntryResult> results;
      for (uint32_t e = 0; e < entries.size(); ++e) {
        judge_.Load(0, entries[e], c, e, kControlBytes);
        results.push_back(request_.mode == RunMode::kCount
                              ? judge_.CountedRun(0, request_.caches_warm)
                              : MeasureEntry());
      }
      reply->candidates.push_back(std::move(results));
    }
  }

  // Of slot 0: a checked run and, where its output may be right, samples under the policy.
  EntryResult MeasureEntry() {
    // The checked run touches every page and fills the caches, so it is the first warm-up; a slow
    // kernel needs no other, and a trial of it is mostly these runs.
    const int64_t checked_begin = MonotonicNs();
    EntryResult result = judge_.CheckedRun(0);
    if (!WorthTiming(result)) return result;
    const int64_t begin = MonotonicNs();
    auto estimate_ns = static_cast<double>(begin - checked_begin);
    for (int i = 0;
         i < policy_.warmup_runs && estimate_ns < static_cast<double>(policy_.cap_ns) / 8; ++i) {
      estimate_ns = judge_.Time(0, 1, &result);
    }
    const int64_t warm = MonotonicNs();
    watch_.Begin(warm - checked_begin, [&] { judge_.Time(0, 1, &result); });
    // Waiting for the clock is no part of what the cap is for.
    const int64_t waited = MonotonicNs() - warm;
    do {
      result.samples_ns.push_back(SampleNs(0, estimate_ns, &result));
      estimate_ns = result.samples_ns.back();
    } while (WorthTiming(result) && !GivenUp(result.samples_ns, policy_) &&
             static_cast<int>(result.samples_ns.size()) < policy_.samples &&
             MonotonicNs() - begin - waited < policy_.cap_ns);
    watch_.End();
    Close(0, &result);
    return result;
  }

  // A checked run of each candidate's first entry, then `rounds` rounds; each round takes one
  // sample of every kernel that passed, in an order drawn from the seed.
  void RunInterleaved(RunReply* reply) {
    const auto n = static_cast<uint32_t>(request_.candidates.size());
    std::vector<EntryResult> results;
    int64_t offset = kControlBytes;
    for (uint32_t c = 0; c < n; ++c) {
      if (request_.candidates[c].entries.empty())
        throw Judge::Failed{"a candidate has no entry", true};
      const EntrySpec& entry = request_.candidates[c].entries[0];
      judge_.Load(c, entry, c, 0, offset);
      offset += EntryTensors::MappedBytes(entry);
    }
    for (uint32_t c = 0; c < n; ++c) results.push_back(judge_.CheckedRun(c));
    // The clock is judged under one and the same of the loads.
    const auto load = [&] {
      for (uint32_t c = 0; c < n; ++c) {
        if (WorthTiming(results[c])) return void(judge_.Time(c, 1, &results[c]));
      }
    };
    watch_.Begin(0, load);
    std::vector<uint32_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    // Ahead of each sample its kernel runs once, since the others have emptied the caches; one that
    // takes far longer than a cache takes to fill does without.
    constexpr double kNeedsNoWarmUpNs = 1e8;
    std::vector<double> estimate_ns(n, 0);
    constexpr uint64_t kOrderStream = 1ull << 32;
    for (int round = 0; round < request_.rounds; ++round) {
      for (size_t i = order.size(); i > 1; --i) {
        std::swap(order[i - 1], order[CounterBits(request_.seed, kOrderStream + round, i) % i]);
      }
      for (const uint32_t c : order) {
        if (!WorthTiming(results[c])) continue;
        if (estimate_ns[c] < kNeedsNoWarmUpNs) estimate_ns[c] = judge_.Time(c, 1, &results[c]);
        results[c].samples_ns.push_back(SampleNs(c, estimate_ns[c], &results[c]));
      }
    }
    watch_.End(load);
    for (uint32_t c = 0; c < n; ++c) {
      Close(c, &results[c]);
      reply->candidates.push_back({std::move(results[c])});
    }
  }

  // Of as many runs in a row as last the policy's `min_sample_ns`, or nearly: where they turn out
  // to be too few, the sample is of more anew. What is missing is not asked for by itself: it is as
  // short as what the judge forgives, and a worker that lies would have a third of its time for
  // nothing.
  double SampleNs(uint32_t slot, double estimate_ns, EntryResult* result) {
    constexpr int64_t kMostRuns = 1'000'000;
    constexpr double kNoKernelNs = 1;
    constexpr double kNearly = 0.9;
    const auto at_least_ns = static_cast<double>(policy_.min_sample_ns);
    double run_ns = estimate_ns;
    int64_t runs = 0;
    do {
      const double wanted = std::ceil(at_least_ns / std::max(run_ns, 1.0));
      runs = static_cast<int64_t>(std::clamp(wanted, 1.0, static_cast<double>(kMostRuns)));
      run_ns = judge_.Time(slot, runs, result);
      // Whoever says that is faster than an instruction would keep the judge asking for ever.
      if (run_ns < kNoKernelNs) {
        result->reruns_agree = false;
        return run_ns;
      }
    } while (run_ns * static_cast<double>(runs) < kNearly * at_least_ns && runs < kMostRuns);
    return run_ns;
  }

  // Behind a kernel's last sample.
  void Close(uint32_t slot, EntryResult* result) {
    if (!result->samples_ns.empty() && WorthTiming(*result)) {
      // Of a sample of one run that one was looked at.
      if (Fastest(result->samples_ns) < static_cast<double>(policy_.min_sample_ns)) {
        LookAtRunsInARow(slot, result);
      }
      judge_.CheckOutput(slot, result);
    }
    judge_.CheckIntegrity(slot, result);
  }

  // A single run is looked at, of runs in a row only the last is. A kernel that leaves out most of
  // its runs in a row is given the time of those that it does not.
  void LookAtRunsInARow(uint32_t slot, EntryResult* result) {
    // What has come into the caches and what the judge has taken out of them is microseconds.
    constexpr double kFarSlower = 3;
    constexpr double kCachesNs = 5'000;
    const double run_ns = Fastest(result->samples_ns);
    const Rewriting rewriting = judge_.Watch(slot, run_ns);
    if (rewriting == Rewriting::kNever) result->reruns_agree = false;
    std::vector<double> single_ns;
    // The first also writes over what the watch has left.
    for (size_t i = 0; i < result->samples_ns.size(); ++i) {
      // Of a run that is shorter than what the judge forgives, the worker may say what it likes; of
      // many in a row it has been seen how long they took.
      single_ns.push_back(std::max(judge_.Time(slot, 1, result), run_ns));
      const bool far_slower = single_ns.back() > kFarSlower * run_ns + kCachesNs;
      if (!far_slower && rewriting == Rewriting::kInTime) return;
    }
    result->samples_ns = single_ns;
  }

  static double Fastest(const std::vector<double>& ns) {
    return *std::min_element(ns.begin(), ns.end());
  }

  const RunRequest& request_;
  const TimingPolicy& policy_;
  Judge& judge_;
  ConditionsWatch watch_;
};

}  // namespace

int64_t SharedBytes(const RunRequest& request) {
  int64_t tensors = 0;
  for (const CandidateSpec& candidate : request.candidates) {
    for (const EntrySpec& entry : candidate.entries) {
      const int64_t bytes = EntryTensors::MappedBytes(entry);
      if (request.mode != RunMode::kInterleave) {
        tensors = std::max(tensors, bytes);
      } else {
        tensors += bytes;
        break;
      }
    }
  }
  return kControlBytes + tensors;
}

RunReply RunJudged(const RunRequest& request, const std::string& sys_root, Judge& judge) {
  return JudgedTiming(request, sys_root, judge).Run();
}

}  // namespace halyard
