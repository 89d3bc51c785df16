// A shipped library as its manifest tells of it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "logs/record.h"

namespace halyard {

struct ShippedVariant {
  // What earned its config the place. `samples` has one, the record's value: a manifest has no
  // others. `device` and `outcome` are filled in.
  Record record;
  int record_samples = 1;  // that the value is the median of
  std::string symbol, object_sha256;
};

struct ShippedLibrary {
  std::string folder;           // as given
  std::string manifest_sha256;  // of the manifest's bytes
  std::string name, device, commit;
  std::string compiler;  // that built it
  std::string unit;      // of all records' values
  BoardKind board_kind = BoardKind::kPhysical;
  // Digests by the files' paths in the folder, none of which leads out of it. Libraries of the
  // manifest's first format have the archive's and the header's only.
  std::map<std::string, std::string> files;
  std::vector<ShippedVariant> variants;  // different workloads, in the manifest's order
};

// The bytes of a file of the library. NotFound: there is none.
absl::StatusOr<std::string> ReadShippedFile(const std::string& folder, const std::string& file);

// What `manifest`, the text of the one in `folder`, says. InvalidArgument: it is none, or of a
// format that this program does not know.
absl::StatusOr<ShippedLibrary> ParseManifest(const std::string& folder,
                                             const std::string& manifest);

// Both, of the folder's manifest. Errors are one line that begins with the folder in quotes.
// NotFound: there is no such folder, or no manifest in it.
absl::StatusOr<ShippedLibrary> ReadShippedLibrary(const std::string& folder);

}  // namespace halyard
