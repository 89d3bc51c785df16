// The library of a device without an operating system.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "tuner/builder.h"
#include "tuner/library/library_plan.h"
#include "tuner/library/link_archive.h"
#include "tuner/library/staging_folder.h"

namespace halyard {

// Drops the operators that nothing was tuned of, builds every variant, and fills in what is known
// of each then: what workspace and stack it takes, too. Errors as BuildLibrary's.
absl::Status BuildFirmwareVariants(LibraryPlan& plan, Builder& builder);

// Makes lib<name>.a in the staging folder, where the header lies already. Internal: what a tool
// said, or a symbol that no bare-metal program need have.
absl::Status LinkFirmwareLibrary(const LibraryPlan& plan, const CCompiler& compiler,
                                 const StagingFolder& staging);

}  // namespace halyard
