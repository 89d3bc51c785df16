// Artifacts that come in from clients: a chunk of each in memory at a time, so many at once and for
// so long as FarmLimits says.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "farm.grpc.pb.h"
#include "rpc_farm/security/farm_limits.h"
#include "rpc_farm/security/identity_limits.h"
#include "rpc_farm/tracker/server/tracker_loop.h"

namespace halyard {

// How many uploads there are. Thread-safe.
class UploadPlaces {
 public:
  // Of one upload, until it ends.
  struct Place {
    OpenLimit::Place of_all, of_user;
  };

  explicit UploadPlaces(const FarmLimits& limits);
  const FarmLimits& limits() const { return limits_; }
  // ResourceExhausted: the user, or all together, have as many as they may; it passes.
  absl::StatusOr<Place> Enter(const std::string& user);

 private:
  const FarmLimits limits_;
  OpenLimit of_all_, of_user_;
};

// One artifact. Keeps itself until gRPC is done with it.
class UploadStream final : public grpc::ServerReadReactor<farm::v1::ArtifactChunk>,
                           public std::enable_shared_from_this<UploadStream> {
 public:
  // All outlive it. `user`: by certificate; empty: without one.
  UploadStream(TrackerLoop& loop, ArtifactStore& artifacts, UploadPlaces& places, std::string user)
      : loop_(loop), artifacts_(artifacts), places_(places), user_(std::move(user)) {}
  void Begin();

  void OnReadDone(bool ok) override;
  void OnDone() override { self_.reset(); }

 private:
  using Clock = std::chrono::steady_clock;

  void CheckFirst();
  absl::Status Open(const absl::StatusOr<std::string>& owner);
  void ReadNext();
  bool has_ended();
  void End(const grpc::Status& status);  // the first counts
  Clock::time_point Due() const;         // with mutex_ held
  void Watch();                          // with mutex_ held
  void Look();
  void FinishWith(const grpc::Status& status);  // with mutex_ held

  TrackerLoop& loop_;
  ArtifactStore& artifacts_;
  UploadPlaces& places_;
  const std::string user_;
  const Clock::time_point began_ = Clock::now();
  farm::v1::ArtifactChunk chunk_;
  std::unique_ptr<ArtifactStore::Upload> upload_;

  std::mutex mutex_;
  bool ended_ = false;
  std::optional<UploadPlaces::Place> place_;  // until it has ended
  Clock::time_point heard_ = began_;          // the last time there was data
  std::unique_ptr<grpc::Alarm> alarm_;
  std::shared_ptr<UploadStream> self_;
};

}  // namespace halyard
