// For what machine an artifact was built, as its ELF header says: enough to refuse another device's
// before a board is troubled with it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace halyard {

// Up to and with e_machine.
inline constexpr size_t kArtifactHeaderBytes = 20;

// `head`: an artifact's first kArtifactHeaderBytes, or all it has. InvalidArgument: not what a
// board of the GNU triplet takes, which is a shared object of its processor, and an object where
// there is no operating system; one line that says both. What the triplet of a processor unknown
// here takes is its runner's to say.
absl::Status CheckArtifactHeader(std::string_view head, const std::string& triplet);

// Of the file. NotFound: it cannot be read.
absl::Status CheckArtifactFile(const std::string& path, const std::string& triplet);

}  // namespace halyard
