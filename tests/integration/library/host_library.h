// The host's library, tuned_host, with a few variants: what programs in other languages are built
// on here.
#pragma once

#include <string>

namespace halyard {

// Its folder; built once.
const std::string& HostLibraryFolder();

}  // namespace halyard
