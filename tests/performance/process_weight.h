// What programs of the farm hold: memory, descriptors, processes below them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/integration/farm_agent/logged_process.h"

namespace halyard {

// All 0 where the process has ended.
struct Weight {
  int64_t resident_kib = 0;
  size_t descriptors = 0, below = 0;
};

Weight WeightOf(const LoggedProcess& process);

// The most that each held of each, looked at every half second for so long.
std::vector<Weight> MostOver(const std::vector<const LoggedProcess*>& processes,
                             std::chrono::seconds time);

// More than what a busy program's weight differs by from moment to moment (files it reads, results
// on their way; pages that its allocator and gRPC keep for later), and less than what leaks in an
// hour of faults.
inline constexpr size_t kDescriptorSlack = 4;
inline constexpr int64_t kResidentSlackKib = 8 << 10;

// Whether it holds no more than it did, but for the slack. One that ended does not.
bool IsBackAt(const Weight& before, const Weight& after);

// Such as "27 descriptors (26 before), 31.4 MiB (24.9)".
std::string Compared(const Weight& before, const Weight& after);

}  // namespace halyard
