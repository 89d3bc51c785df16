// How the hardwares that went by one device's id in a log are told apart in text.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "logs/measurement_log.h"

namespace halyard {

class HardwareNames {
 public:
  // Errors are the log's.
  static absl::StatusOr<HardwareNames> Of(const MeasurementLog& log);

  // "rpi4", and of what the device was before it came to be what it was last: "rpi4 (clock_ghz 1.5,
  // now 1.8)". `hardware`: HardwareText of its snapshot, "" where that is not known.
  std::string DeviceText(const std::string& device, const std::string& hardware) const;

 private:
  std::map<std::pair<std::string, std::string>, std::string> differences_;
};

}  // namespace halyard
