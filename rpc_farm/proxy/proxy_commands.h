// The proxy's faults as lines of text, for scripts.
#pragma once

#include <string>

#include "rpc_farm/proxy/farm_proxy.h"

namespace halyard {

// What there is, a line each.
extern const char kProxyCommands[];

// Does what the line says and answers in one line: "ok", figures, or "error: " and what would have
// been right, and then nothing was done.
std::string DoProxyCommand(FarmProxy& proxy, const std::string& line);

}  // namespace halyard
