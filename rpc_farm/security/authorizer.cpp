#include "rpc_farm/security/authorizer.h"

#include <grpc/grpc_security_constants.h>

#include <chrono>

#include "absl/time/clock.h"
#include "fmt/format.h"
#include "rpc_farm/proto/agreement.h"
#include "rpc_farm/security/farm_folder.h"

namespace halyard {
namespace {

constexpr size_t kMostKnown = 4096;  // certificates; then the memory starts afresh

std::string_view ViewOf(const grpc::string_ref& text) { return {text.data(), text.size()}; }

grpc::Status Refuse(std::atomic<uint64_t>& count, grpc::StatusCode code,
                    const std::string& message) {
  count.fetch_add(1, std::memory_order_relaxed);
  return {code, message};
}

}  // namespace

bool RoleMay(FarmRole role, std::string_view method) {
  constexpr std::string_view package = "/halyard.farm.v1.";
  if (!method.starts_with(package)) return false;
  method.remove_prefix(package.size());
  const bool farm = method.starts_with("Farm/") || method == "Admin/GetStatus";
  switch (role) {
    case FarmRole::kClient:
      return farm;
    case FarmRole::kAgent:
      return method.starts_with("Agents/");
    case FarmRole::kAdmin:
      return farm || method.starts_with("Admin/");
    case FarmRole::kTracker:
      return false;
  }
  return false;
}

std::string LimitKey(const PeerIdentity& peer) {
  return fmt::format("{}/{}", FarmRoleName(peer.role), peer.name);
}

absl::StatusOr<std::shared_ptr<Authorizer>> Authorizer::Open(const std::string& folder,
                                                             const FarmLimits& limits) {
  const auto authority = ReadWholeFile(folder + "/" + kAuthorityFile);
  if (!authority.ok()) return authority.status();
  const WallClock clock = [] { return absl::Now(); };
  const std::string list = folder + "/" + kRevocationsFile;
  auto watch = RevocationWatch::Open(list, *authority, clock);
  if (absl::IsNotFound(watch.status())) {
    return absl::NotFoundError(
        fmt::format("no '{}'; give a tracker's folder, and copy {} from the authority's into it",
                    list, kRevocationsFile));
  }
  if (!watch.ok()) return watch.status();
  return std::make_shared<Authorizer>(std::move(*watch), limits, clock);
}

Authorizer::Authorizer(std::shared_ptr<RevocationWatch> revocations, const FarmLimits& limits,
                       WallClock clock)
    : revocations_(std::move(revocations)),
      clock_(std::move(clock)),
      calls_per_second_(limits.calls_per_second),
      most_open_calls_(limits.open_calls),
      rate_(limits.calls_per_second, limits.call_burst),
      open_calls_(std::make_shared<OpenLimit>(limits.open_calls)) {}

absl::StatusOr<PeerIdentity> Authorizer::IdentityOfConnection(const grpc::AuthContext& context) {
  const auto pem = context.FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (pem.size() != 1) return IdentityOf(context);
  const std::string key(pem[0].data(), pem[0].size());
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = known_.find(key);
    if (found != known_.end()) return found->second;
  }
  auto identity = IdentityOf(context);
  if (identity.ok()) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (known_.size() >= kMostKnown) known_.clear();
    known_.emplace(key, *identity);
  }
  return identity;
}

grpc::Status Authorizer::StillWelcome(const PeerIdentity& peer) {
  if (!peer.has_certificate()) return grpc::Status::OK;
  if (clock_() >= peer.not_after) {
    return Refuse(refusals_.expired, grpc::UNAUTHENTICATED,
                  fmt::format("the certificate of {} has expired; enroll again", peer.name));
  }
  if (revocations_->IsRevoked(peer.serial)) {
    return Refuse(
        refusals_.revoked, grpc::UNAUTHENTICATED,
        fmt::format("the certificate of {} (serial {}) has been revoked", peer.name, peer.serial));
  }
  return grpc::Status::OK;
}

grpc::Status Authorizer::Process(const InputMetadata& metadata, grpc::AuthContext* context,
                                 OutputMetadata* /*consumed*/, OutputMetadata* /*response*/) {
  const auto peer = IdentityOfConnection(*context);
  if (!peer.ok()) {
    return Refuse(refusals_.unknown, grpc::UNAUTHENTICATED, std::string(peer.status().message()));
  }
  if (auto s = StillWelcome(*peer); !s.ok()) return s;
  const auto [path, end] = metadata.equal_range(":path");
  const bool one = path != end && std::next(path) == end;
  const std::string_view method = one ? ViewOf(path->second) : "";
  if (!RoleMay(peer->role, method)) {
    return Refuse(refusals_.role, grpc::PERMISSION_DENIED,
                  fmt::format("{} is of role {}, which may not call {}", peer->name,
                              FarmRoleName(peer->role), method.substr(0, 100)));
  }
  const std::string key = LimitKey(*peer);
  if (!rate_.Take(key, std::chrono::steady_clock::now())) {
    return Refuse(refusals_.rate, grpc::RESOURCE_EXHAUSTED,
                  fmt::format("{} makes more than {:g} calls a second; {}", peer->name,
                              calls_per_second_, kPassingLimit));
  }
  if (open_calls_->IsFull(key)) {
    return Refuse(refusals_.open_calls, grpc::RESOURCE_EXHAUSTED,
                  fmt::format("{} has {} calls open, the most one may have; end some, or {}",
                              peer->name, most_open_calls_, kPassingLimit));
  }
  return grpc::Status::OK;
}

}  // namespace halyard
