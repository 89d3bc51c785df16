// A device as it was when something was recorded on it, what detection found included: enough to
// make the same schedule space and the same features on another machine.
#pragma once

#include <nlohmann/json.hpp>

#include "targets/device.h"

namespace halyard {

// Everything but how a virtual board counts, which no space and no feature reads.
nlohmann::json DeviceSnapshot(const Device& device);

// Throws nlohmann::json::exception on anything missing or mistyped.
Device DeviceFromSnapshot(const nlohmann::json& snapshot);

}  // namespace halyard
