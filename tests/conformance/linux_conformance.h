// What the boards that run the board runner do alike beyond every executor's suite: kernels by
// Halide in parallel, and how a process may end.
#pragma once

#include "tests/conformance/executor_conformance.h"

namespace halyard {

class LinuxConformance : public ExecutorConformance {};

}  // namespace halyard
