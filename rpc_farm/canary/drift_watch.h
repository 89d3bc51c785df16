// Whether a board is still the board it was: what its canary took, over what it took when the board
// joined. Pure: the clock is given, nothing is run.
//
// Each canary is the fastest of twenty samples. Of noise with deviation s a sample, that deviates
// by 0.53 s (order statistics of the normal distribution), the baseline, a median of three such, by
// 0.35 s, and their ratio by 0.63 s: 1.3 % for s = 2 %. A single canary is slower by 2 % then in 5
// of 100 cases, two in a row (which share the baseline) in 1 of 100, and one by 10 %, 8 deviations,
// in none that anybody lives to see. Samples that something else disturbed count only where all
// twenty were.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

namespace halyard {

using DriftClock = std::chrono::steady_clock;

struct DriftPolicy {
  int batch = 20;                             // candidates after which a canary is due
  std::chrono::milliseconds period{60'000};   // and time
  std::chrono::milliseconds cooling{10'000};  // between canaries of a board that cools
  double noticed = 1.02;                      // canary over baseline: is run again
  double too_much = 1.10;                     // the board takes no work until it is back
};

enum class CanaryVerdict {
  kGood,     // as ever
  kAgain,    // to be run once more before anything follows from it
  kDrifted,  // twice in a row beyond `noticed`: what was measured since the last good one is off
  kCooling,  // twice in a row beyond `too_much`
};

// Not thread-safe.
class DriftWatch {
 public:
  explicit DriftWatch(DriftPolicy policy = {}) : policy_(policy) {}

  // When the next canary is to be run: at once for a board that has no baseline yet.
  DriftClock::time_point Due() const;
  void RunEnded(DriftClock::time_point now);

  // A canary's figure. The first three make the baseline. A board found faster than its baseline
  // twice in a row was slow when that was taken (still warm from its start, say): it becomes the
  // new one, since no board can be too fast.
  CanaryVerdict Take(double figure, DriftClock::time_point now);
  // One whose time was void or that did not run: tried again when a cooling board's would be.
  void Missed(DriftClock::time_point now) { last_ = now, missed_ = true; }

  std::optional<double> baseline() const { return baseline_; }
  double figure() const { return figure_; }  // of the last; of a pair the faster
  double drift() const { return baseline_ ? figure_ / *baseline_ : 1.0; }
  bool cooling() const { return cooling_; }

 private:
  const DriftPolicy policy_;
  std::vector<double> first_;
  std::optional<double> baseline_;
  std::optional<double> suspect_;  // beyond `noticed`, and not yet run again
  double figure_ = 0;
  bool cooling_ = false, missed_ = false;
  int runs_ = 0;  // since the last canary
  DriftClock::time_point last_{}, full_{};
};

}  // namespace halyard
