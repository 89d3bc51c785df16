// Who calls, as a handler of the farm's services sees it.
#pragma once

#include <grpcpp/security/auth_context.h>
#include <grpcpp/server_context.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "rpc_farm/security/farm_identity.h"

namespace halyard {

struct PeerIdentity {
  FarmRole role = FarmRole::kClient;
  std::string name;    // empty: there are no certificates, and the request names the user
  std::string serial;  // of the certificate; empty likewise
  absl::Time not_after = absl::InfiniteFuture();

  bool has_certificate() const { return !serial.empty(); }
};

// Unauthenticated: a connection with TLS whose certificate is missing or is none of the farm's.
// A connection without TLS, which exists on the loopback only, is an admin's without a name.
absl::StatusOr<PeerIdentity> IdentityOf(const grpc::AuthContext& context);

// For handlers, which run only once an Authorizer (or a loopback without certificates) let the call
// in. Takes some 30 us: once a call, not once a message. Where there is no identity after all: a
// client without a name and with the serial "none".
PeerIdentity PeerOf(const grpc::ServerContextBase& context);

}  // namespace halyard
