// The tracker's service for agents.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "farm.grpc.pb.h"
#include "rpc_farm/farm_log.h"
#include "rpc_farm/security/authorizer.h"
#include "rpc_farm/tracker/server/tracker_loop.h"

namespace halyard {

class AgentsService final : public farm::v1::Agents::CallbackService {
 public:
  // All must outlive it. `authorizer`: none without certificates.
  AgentsService(TrackerLoop& loop, ArtifactStore& artifacts, std::shared_ptr<Authorizer> authorizer,
                const FarmLog& log)
      : loop_(loop), artifacts_(artifacts), authorizer_(std::move(authorizer)), log_(log) {}

  grpc::ServerBidiReactor<farm::v1::AgentMessage, farm::v1::TrackerMessage>* Connect(
      grpc::CallbackServerContext* context) override;
  grpc::ServerWriteReactor<farm::v1::ArtifactChunk>* FetchArtifact(
      grpc::CallbackServerContext* context, const farm::v1::Artifact* artifact) override;

 private:
  TrackerLoop& loop_;
  ArtifactStore& artifacts_;
  const std::shared_ptr<Authorizer> authorizer_;
  const FarmLog& log_;
  std::atomic<SessionId> last_session_{kNoSession};
};

}  // namespace halyard
