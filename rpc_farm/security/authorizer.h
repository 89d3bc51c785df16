// Whether a call may reach its handler: the certificate's role, its revocation, the caller's
// limits.
#pragma once

#include <grpcpp/security/auth_metadata_processor.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "rpc_farm/security/farm_limits.h"
#include "rpc_farm/security/identity_limits.h"
#include "rpc_farm/security/peer_identity.h"
#include "rpc_farm/security/revocation_watch.h"

namespace halyard {

// Calls refused since the start, by reason. What fails in the TLS handshake already (no
// certificate, an expired one, another authority's) gRPC tells nobody; it is in its own log.
struct RefusalCounts {
  std::atomic<uint64_t> unknown{0};  // a certificate that names no role
  std::atomic<uint64_t> expired{0};  // since the connection began
  std::atomic<uint64_t> revoked{0};
  std::atomic<uint64_t> role{0};  // another role's method, or no method of the farm
  std::atomic<uint64_t> rate{0};
  std::atomic<uint64_t> open_calls{0};
};

// Whether the role may call the method, "/halyard.farm.v1.Farm/Submit". What is not known is
// refused.
bool RoleMay(FarmRole role, std::string_view method);

// Asked by gRPC for each call, before its handler is. Thread-safe.
class Authorizer final : public grpc::AuthMetadataProcessor {
 public:
  // For a tracker's folder. Errors: those of RevocationWatch::Open.
  static absl::StatusOr<std::shared_ptr<Authorizer>> Open(const std::string& folder,
                                                          const FarmLimits& limits);
  Authorizer(std::shared_ptr<RevocationWatch> revocations, const FarmLimits& limits,
             WallClock clock);

  // It waits for nothing but, once a second, the reading of a small file.
  bool IsBlocking() const override { return false; }
  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context,
                       OutputMetadata* consumed, OutputMetadata* response) override;

  // UNAUTHENTICATED once the certificate was revoked or expired: a stream that lives for days is to
  // ask this with every message or heartbeat, and to end with what it gets.
  grpc::Status StillWelcome(const PeerIdentity& peer);

  const RefusalCounts& refusals() const { return refusals_; }
  const RevocationWatch& revocations() const { return *revocations_; }
  // Where the calls that run are counted; ConfigureServer has gRPC do that.
  const std::shared_ptr<OpenLimit>& open_calls() const { return open_calls_; }

 private:
  absl::StatusOr<PeerIdentity> IdentityOfConnection(const grpc::AuthContext& context);

  const std::shared_ptr<RevocationWatch> revocations_;
  const WallClock clock_;
  const double calls_per_second_;
  const int most_open_calls_;
  RateLimit rate_;
  const std::shared_ptr<OpenLimit> open_calls_;
  RefusalCounts refusals_;
  std::mutex mutex_;
  std::unordered_map<std::string, PeerIdentity> known_;  // by certificate: parsing it takes 30 us
};

// The key under which limits count a peer: two roles of one name do not share.
std::string LimitKey(const PeerIdentity& peer);

}  // namespace halyard
