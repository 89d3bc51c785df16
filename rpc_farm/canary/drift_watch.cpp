#include "rpc_farm/canary/drift_watch.h"

#include <algorithm>

namespace halyard {
namespace {

constexpr size_t kBaselineCanaries = 3;

}  // namespace

DriftClock::time_point DriftWatch::Due() const {
  if (missed_) return last_ + policy_.cooling;
  if (!baseline_ || suspect_) return last_;
  if (cooling_) return last_ + policy_.cooling;
  return runs_ >= policy_.batch ? full_ : last_ + policy_.period;
}

void DriftWatch::RunEnded(DriftClock::time_point now) {
  if (++runs_ == policy_.batch) full_ = now;
}

CanaryVerdict DriftWatch::Take(double figure, DriftClock::time_point now) {
  last_ = now;
  runs_ = 0;
  missed_ = false;
  if (!baseline_) {
    first_.push_back(figure);
    figure_ = figure;
    if (first_.size() < kBaselineCanaries) return CanaryVerdict::kAgain;
    std::sort(first_.begin(), first_.end());
    baseline_ = figure_ = first_[kBaselineCanaries / 2];
    return CanaryVerdict::kGood;
  }
  const auto off = [&](double f) {
    return f > policy_.noticed * *baseline_ || f * policy_.noticed < *baseline_;
  };
  if (!off(figure)) {
    figure_ = figure;
    suspect_.reset();
    cooling_ = false;
    return CanaryVerdict::kGood;
  }
  if (!suspect_ && !cooling_) {
    suspect_ = figure;
    return CanaryVerdict::kAgain;
  }
  const double before = suspect_.value_or(figure);
  suspect_.reset();
  // What disturbs a canary only ever makes it slower.
  figure_ = std::min(before, figure);
  cooling_ = figure_ > policy_.too_much * *baseline_;
  if (cooling_) return CanaryVerdict::kCooling;
  if (figure_ > policy_.noticed * *baseline_) return CanaryVerdict::kDrifted;
  if (std::max(before, figure) * policy_.noticed < *baseline_) baseline_ = figure_;
  return CanaryVerdict::kGood;
}

}  // namespace halyard
