// Our statuses and gRPC's have the same codes by design.
#pragma once

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "rpc_farm/proto/agreement.h"

namespace halyard {

inline grpc::Status ToRpc(const absl::Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message())};
}

inline absl::Status FromRpc(const grpc::Status& status) {
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

// Whether a refusal is of a limit that passes: the call may be made again after a second.
inline bool IsPassingLimit(const absl::Status& status) {
  return absl::IsResourceExhausted(status) && absl::EndsWith(status.message(), kPassingLimit);
}

// Of a call that found no tracker: without gRPC's account of every address and subchannel.
inline absl::Status Unreachable(const std::string& address, const absl::Status& status) {
  std::string why(status.message());
  for (const char* mark : {"UNKNOWN: ", "UNAVAILABLE: "}) {
    if (const size_t at = why.rfind(mark); at != std::string::npos) why.erase(0, at);
    if (why.rfind(mark, 0) == 0) why.erase(0, std::string(mark).size());
  }
  return absl::UnavailableError("no farm tracker answers at " + address + ": " + why);
}

}  // namespace halyard
