// How often a fault is tried: a few times in ./check, HALYARD_FAULT_RUNS times in a campaign.
#pragma once

#include <cstdlib>

namespace halyard {

inline int FaultRuns(int in_check) {
  const char* told = std::getenv("HALYARD_FAULT_RUNS");
  return told != nullptr ? std::atoi(told) : in_check;
}

}  // namespace halyard
