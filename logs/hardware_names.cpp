#include "logs/hardware_names.h"

#include <nlohmann/json.hpp>

#include "targets/device_snapshot.h"

namespace halyard {

absl::StatusOr<HardwareNames> HardwareNames::Of(const MeasurementLog& log) {
  const auto devices = log.Devices();
  if (!devices.ok()) return devices.status();
  std::map<std::pair<std::string, std::string>, nlohmann::json> last;  // of a device, kind of board
  for (const LoggedDevice& d : *devices) {
    if (d.snapshot == nullptr) continue;
    const nlohmann::json snapshot = nlohmann::json::parse(*d.snapshot);
    last[{d.device, snapshot.value("board_kind", "")}] = snapshot;
  }
  HardwareNames names;
  for (const LoggedDevice& d : *devices) {
    if (d.snapshot == nullptr) continue;
    const nlohmann::json then = nlohmann::json::parse(*d.snapshot);
    const auto differences =
        HardwareDifferences(then, last.at({d.device, then.value("board_kind", "")}));
    names.differences_[{d.device, HardwareText(*d.snapshot)}] =
        differences.empty() ? "" : " (" + differences.front().ToText() + ")";
  }
  return names;
}

std::string HardwareNames::DeviceText(const std::string& device,
                                      const std::string& hardware) const {
  const auto found = differences_.find({device, hardware});
  return found == differences_.end() ? device : device + found->second;
}

}  // namespace halyard
