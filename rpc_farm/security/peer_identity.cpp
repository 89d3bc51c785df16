#include "rpc_farm/security/peer_identity.h"

#include <grpc/grpc_security_constants.h>

#include "rpc_farm/security/certificate.h"

namespace halyard {

absl::StatusOr<PeerIdentity> IdentityOf(const grpc::AuthContext& context) {
  const auto transport = context.FindPropertyValues(GRPC_TRANSPORT_SECURITY_TYPE_PROPERTY_NAME);
  if (transport.size() == 1 && transport[0] == "insecure") {
    PeerIdentity on_loopback;
    on_loopback.role = FarmRole::kAdmin;
    return on_loopback;
  }
  const auto pem = context.FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (pem.size() != 1) return absl::UnauthenticatedError("the connection has no certificate");
  const auto facts = ReadCertificate({pem[0].data(), pem[0].size()});
  if (!facts.ok()) return absl::UnauthenticatedError("the certificate cannot be read");
  if (!facts->identity || facts->identity->role == FarmRole::kTracker) {
    return absl::UnauthenticatedError("the certificate names no client, agent or admin of a farm");
  }
  return PeerIdentity{facts->identity->role, facts->identity->name, facts->serial,
                      facts->not_after};
}

PeerIdentity PeerOf(const grpc::ServerContextBase& context) {
  const auto auth = context.auth_context();
  if (auth != nullptr) {
    auto identity = IdentityOf(*auth);
    if (identity.ok()) return *std::move(identity);
  }
  return PeerIdentity{FarmRole::kClient, "", "none", absl::InfinitePast()};
}

}  // namespace halyard
