// A shipped library as its manifest tells of it: what the next one is compared with.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "logs/record.h"
#include "targets/device.h"

namespace halyard {

struct ShippedVariant {
  // What earned its config the place. `samples` has one, the record's value: a manifest has no
  // others. `device` and `outcome` are filled in.
  Record record;
  int record_samples = 1;  // that the value is the median of
  std::string symbol, object_sha256;
};

struct PreviousLibrary {
  std::string folder;                    // as given
  std::string manifest_sha256;           // of the manifest's bytes
  std::string compiler;                  // that built it
  std::vector<ShippedVariant> variants;  // different workloads, in the manifest's order
};

// Errors are one line that names the folder and what would be right. NotFound: there is no such
// folder, or no manifest in it. InvalidArgument: the manifest is none, is of another format, or of
// another device, kind of board or unit than `device`.
absl::StatusOr<PreviousLibrary> ReadPreviousLibrary(const std::string& folder,
                                                    const Device& device);

}  // namespace halyard
