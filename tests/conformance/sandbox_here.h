// Whether this machine can sandbox at all: some containers have no user namespaces to give.
#pragma once

#include <string>
#include <vector>

#include "rpc_farm/sandbox/sandbox.h"

namespace halyard {

inline absl::Status SandboxHere() {
  static const absl::Status status = Sandbox::Make().status();
  return status;
}

// For tests of what is around a sandbox: an agent would refuse to run without one.
inline std::vector<std::string> AgentFlags() {
  if (SandboxHere().ok()) return {};
  return {"--unsafe-no-sandbox"};
}

}  // namespace halyard
