// What a case of a device is called: GoogleTest takes letters, digits and underscores.
#pragma once

#include <algorithm>
#include <string>

namespace halyard {

inline std::string TestNameOf(std::string device_id) {
  std::replace(device_id.begin(), device_id.end(), '-', '_');
  return device_id;
}

}  // namespace halyard
