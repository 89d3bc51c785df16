#include "rpc_farm/security/grpc_log.h"

#include <grpc/support/log.h>

#include <cstdlib>

namespace halyard {
namespace {

// gRPC's hook takes a function and nothing beside it.
const FarmLog*& Target() {
  static const FarmLog* log = nullptr;
  return log;
}

}  // namespace

void LogGrpcTo(const FarmLog& log) {
  Target() = &log;
  gpr_set_log_function([](gpr_log_func_args* said) {
    const nlohmann::json fields = {{"message", said->message}, {"line", said->line}};
    if (said->severity == GPR_LOG_SEVERITY_ERROR) {
      Target()->Warn("grpc", fields);
    } else {
      Target()->Info("grpc", fields);
    }
  });
}

void KeepGrpcQuiet() {
  if (std::getenv("GRPC_VERBOSITY") != nullptr) return;
  gpr_set_log_function([](gpr_log_func_args*) {});
}

}  // namespace halyard
