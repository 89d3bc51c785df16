// The counting plugin's report and how it joins the runner's reply.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "targets/run_protocol.h"

namespace halyard {

// Fills serial_cycles, regions and instructions of every entry, in the order they were run.
// Internal: the text is not a report, or counts another number of kernels than the reply.
absl::Status AddPluginReport(const std::string& report, RunReply* reply);

}  // namespace halyard
