// The worker of a run: has the kernels in its process, and does what the judge in another asks for.
#pragma once

#include <string>

#include "targets/run_protocol.h"

namespace halyard {

// Serves the judge at kSharedMemoryFd and kAnswersFd until it says that it is done. `why_not`: if
// not empty, the answer to whatever it asks. Throws std::bad_alloc.
void ServeJudge(const RunRequest& request, const std::string& why_not);

}  // namespace halyard
