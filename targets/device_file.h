// The JSON form of a device.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "targets/device.h"

namespace halyard {

struct DeviceFile {
  Device device;
  bool detect = false;  // the file leaves cores, caches and instruction set to detection
};

// Parses the text of a device file; `file` names it in errors.
// InvalidArgument: names file and field for anything missing, mistyped, out of range or unknown.
absl::StatusOr<DeviceFile> ParseDeviceFile(const std::string& text, const std::string& file);

}  // namespace halyard
