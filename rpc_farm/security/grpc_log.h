// What gRPC has to say by itself, which else goes to stderr in a form of its own. To be called
// before gRPC is used.
#pragma once

#include "rpc_farm/farm_log.h"

namespace halyard {

// As events "grpc": what a refused handshake lacked is said nowhere else. `log` lives as long as
// the process.
void LogGrpcTo(const FarmLog& log);

// Not at all, for programs whose stderr is a person's: what matters to a caller is in the status of
// its call. Where GRPC_VERBOSITY is set, somebody wants it.
void KeepGrpcQuiet();

}  // namespace halyard
