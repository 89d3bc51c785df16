// Whether operators can be compiled for a device at all.
#pragma once

#include "absl/status/status.h"
#include "targets/device.h"

namespace halyard {

// InvalidArgument: Halide does not know the device's `halide_target`, or it means whatever machine
// compiles; names the device file.
absl::Status CheckHalideTarget(const Device& device);

}  // namespace halyard
