// What the figures of a device file must be among each other.
#pragma once

#include "targets/device.h"
#include "targets/json_fields.h"

namespace halyard {

// Whether `id` may name files, folders and records: letters, digits, '-', '_' and '.', the first a
// letter or digit.
bool IsDeviceId(const std::string& id);

// Notes in `fields` the first figure that contradicts another or that no board has: a unit
// mistaken, a digit too many. REQUIRES: `device` was read from `fields` and nothing was wrong
// there.
void CheckHardware(const Device& device, JsonFields& fields);

}  // namespace halyard
