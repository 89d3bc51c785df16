// A suite from its boards to its libraries.
#pragma once

#include <chrono>

#include "tuner/cli/suite_spec.h"

namespace halyard {

// Tunes, packages and prints; returns the exit code. `begin`: of the command, whose time a budget
// is. A board that cannot be used costs its device, not the others theirs.
int RunSuite(const SuiteSpec& spec, bool json, std::chrono::steady_clock::time_point begin);

}  // namespace halyard
