// An artifact on this side of the way to a board.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace halyard {

// All bytes of it. NotFound: there is none at `path`. InvalidArgument: it has more than
// kMostArtifactBytes, and was not read.
absl::StatusOr<std::string> ReadArtifact(const std::string& path);

}  // namespace halyard
