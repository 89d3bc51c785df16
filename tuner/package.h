// From the log to a shipped library.
#pragma once

#include "absl/status/statusor.h"
#include "logs/measurement_log.h"
#include "targets/device.h"
#include "tuner/builder.h"
#include "tuner/library/library_builder.h"

namespace halyard {

// Builds <out_dir>/<device>/ from the best record of every workload the log has for the device.
// Records of another version of their space are left out: their config may mean another program
// now.
absl::StatusOr<LibraryFiles> PackageFromLog(const Device& device, const MeasurementLog& log,
                                            Builder& builder, const std::string& out_dir);

}  // namespace halyard
