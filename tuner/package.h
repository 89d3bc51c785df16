// From the log to a shipped library.
#pragma once

#include "absl/status/statusor.h"
#include "logs/measurement_log.h"
#include "targets/device.h"
#include "tuner/builder.h"
#include "tuner/library/library_builder.h"

namespace halyard {

// "tuned_" and the id with '_' for what a C identifier cannot have: tuned_jetson_nano.
std::string LibraryName(const Device& device);

// The library <out_dir>/<device>/ of the best record of every workload the log has for the device.
// Of a workload that was measured with builds of `compiler` (Builder::compiler), only those count:
// another makes other programs of the same configs. Left out are records of other hardware that
// went by its id, and those of another version of their space. `signing_key`: as in a LibrarySpec.
// NotFound: the log has none.
absl::StatusOr<LibrarySpec> LibraryOfLog(const Device& device, const MeasurementLog& log,
                                         const std::string& compiler, const std::string& out_dir,
                                         const std::string& signing_key = "");

// Builds that.
absl::StatusOr<LibraryFiles> PackageFromLog(const Device& device, const MeasurementLog& log,
                                            Builder& builder, const std::string& out_dir,
                                            const std::string& signing_key = "");

}  // namespace halyard
