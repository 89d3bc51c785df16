// The library that the next one is compared with.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "targets/device.h"
#include "tuner/library/shipped_library.h"

namespace halyard {

// Errors are those of ReadShippedLibrary. InvalidArgument too: it is of another device, kind of
// board or unit than `device`.
absl::StatusOr<ShippedLibrary> ReadPreviousLibrary(const std::string& folder, const Device& device);

}  // namespace halyard
