// What every board that times candidates holds to, whoever keeps the clock: which answers are worth
// a time, and when a slow candidate is given up (TimingPolicy's rule).
#pragma once

#include <algorithm>
#include <vector>

#include "targets/run_protocol.h"

namespace halyard {

// True where the answer may still be right, so that timing it means something.
inline bool WorthTiming(const EntryResult& result) {
  return result.kernel_error == 0 && result.poison_left == 0 && result.non_finite == 0 &&
         result.guards_intact && result.inputs_intact && result.reruns_agree;
}

// One sample is slow by chance too often to be the end of a candidate, unless by far.
inline bool GivenUp(const std::vector<double>& samples, const TimingPolicy& policy) {
  constexpr double kByFar = 3;
  if (policy.incumbent_ns <= 0 || samples.size() > 2) return false;
  const double limit = policy.give_up_factor * policy.incumbent_ns;
  const double fastest = *std::min_element(samples.begin(), samples.end());
  return fastest > (samples.size() == 1 ? kByFar * limit : limit);
}

}  // namespace halyard
