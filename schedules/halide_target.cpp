#include "schedules/halide_target.h"

#include <Halide.h>

#include "fmt/format.h"
#include "targets/device_file.h"

namespace halyard {

absl::Status CheckHalideTarget(const Device& device) {
  const std::string& target = device.halide_target;
  // "host" is a target to Halide: of the machine it happens to run on.
  if (!target.starts_with("host") && Halide::Target::validate_target_string(target)) {
    return absl::OkStatus();
  }
  const auto path = DevicePath(device.loaded_from);
  return absl::InvalidArgumentError(
      fmt::format("{}: halide_target '{}' is not one that Halide knows; give "
                  "ARCH-BITS-OS[-FEATURE...] such as arm-64-linux or arm-64-linux-arm_dot_prod",
                  path.ok() ? *path : device.id, target));
}

}  // namespace halyard
