// The roof of a board.
#pragma once

#include "absl/status/statusor.h"
#include "rpc_farm/executor.h"

namespace halyard {

struct Peak {
  double gflops = 0;         // f32, an FMA is two, all cores
  double copy_gb_per_s = 0;  // bytes read plus bytes written
};

// Measured on a physical board in about a second, from the device file on a virtual one.
// Unavailable: the run failed; the message says how.
absl::StatusOr<Peak> MeasurePeak(Executor& executor, const Device& device);

}  // namespace halyard
