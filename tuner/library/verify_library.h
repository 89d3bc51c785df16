// Whether a shipped library is what was built and signed.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "tuner/library/shipped_library.h"

namespace halyard {

struct VerifiedLibrary {
  ShippedLibrary library;
  bool is_signed = false;  // and its signature is good
};

// Checks the library in `folder`: every file that its manifest names is there with its digest, and
// where `published_key` is not empty, manifest.sig is the key's signature of the manifest. A
// manifest without a signature is as good as whoever brought it.
//
// NotFound: there is no manifest, a file that it names or, with a key, no signature. DataLoss: one
// of them is not what it was; the message names it. InvalidArgument: the manifest is none, or the
// key.
absl::StatusOr<VerifiedLibrary> VerifyLibrary(const std::string& folder,
                                              const std::string& published_key);

}  // namespace halyard
