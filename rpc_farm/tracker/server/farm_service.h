// The tracker's service for clients.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "farm.grpc.pb.h"
#include "rpc_farm/security/authorizer.h"
#include "rpc_farm/tracker/server/tracker_loop.h"
#include "rpc_farm/tracker/server/upload_stream.h"

namespace halyard {

class FarmService final : public farm::v1::Farm::CallbackService {
 public:
  // Loop and artifacts must outlive it. `authorizer`: none without certificates.
  FarmService(TrackerLoop& loop, ArtifactStore& artifacts, const FarmLimits& limits,
              std::shared_ptr<Authorizer> authorizer)
      : loop_(loop), artifacts_(artifacts), uploads_(limits), authorizer_(std::move(authorizer)) {}

  using Context = grpc::CallbackServerContext;
  grpc::ServerUnaryReactor* OpenSession(Context* context,
                                        const farm::v1::OpenSessionRequest* request,
                                        farm::v1::OpenSessionReply* reply) override;
  grpc::ServerUnaryReactor* DescribeDevice(Context* context,
                                           const farm::v1::DescribeDeviceRequest* request,
                                           farm::v1::DescribeDeviceReply* reply) override;
  grpc::ServerReadReactor<farm::v1::ArtifactChunk>* UploadArtifact(
      Context* context, farm::v1::UploadArtifactReply* reply) override;
  grpc::ServerUnaryReactor* Submit(Context* context, const farm::v1::SubmitRequest* request,
                                   farm::v1::SubmitReply* reply) override;
  grpc::ServerWriteReactor<farm::v1::RequestResult>* Results(
      Context* context, const farm::v1::ResultsRequest* request) override;
  grpc::ServerUnaryReactor* Acknowledge(Context* context,
                                        const farm::v1::AcknowledgeRequest* request,
                                        farm::v1::AcknowledgeReply* reply) override;
  grpc::ServerUnaryReactor* Cancel(Context* context, const farm::v1::CancelRequest* request,
                                   farm::v1::CancelReply* reply) override;
  grpc::ServerUnaryReactor* CloseSession(Context* context,
                                         const farm::v1::CloseSessionRequest* request,
                                         farm::v1::CloseSessionReply* reply) override;

 private:
  TrackerLoop& loop_;
  ArtifactStore& artifacts_;
  UploadPlaces uploads_;
  const std::shared_ptr<Authorizer> authorizer_;
  std::atomic<uint64_t> last_stream_{0};
};

}  // namespace halyard
