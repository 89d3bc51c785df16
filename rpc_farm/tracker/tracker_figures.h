// What the tracker counts, since it started.
#pragma once

#include <array>
#include <cstdint>
#include <deque>

#include "rpc_farm/tracker/farm_types.h"

namespace halyard {

// Upper bounds in milliseconds; what is above the last is counted with it in `above`.
inline constexpr std::array<int64_t, 12> kWaitBoundsMs = {1,   2,   5,    10,   25,    50,
                                                          100, 250, 1000, 5000, 30000, 120000};

struct WaitHistogram {
  std::array<uint64_t, kWaitBoundsMs.size()> counts{};
  uint64_t above = 0, count = 0;
  double sum_ms = 0;

  void Add(double ms) {
    size_t at = 0;
    while (at < counts.size() && ms > static_cast<double>(kWaitBoundsMs[at])) ++at;
    (at < counts.size() ? counts[at] : above)++;
    ++count;
    sum_ms += ms;
  }
};

struct TrackerFigures {
  uint64_t submitted = 0;
  uint64_t done = 0, lost = 0, cancelled = 0;  // requests
  uint64_t losses = 0;                         // runs of requests
  uint64_t refused_results = 0;                // under a lease that had ended
  uint64_t replays = 0;                        // of acknowledged requests
  WaitHistogram lease_wait;                    // from submission to the first lease
  FarmTime started{};
  std::deque<FarmTime> last_minute;  // when requests were done

  void AddDone(FarmTime now) {
    ++done;
    last_minute.push_back(now);
    while (now - last_minute.front() > std::chrono::minutes(1)) last_minute.pop_front();
  }
};

}  // namespace halyard
