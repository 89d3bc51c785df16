#include "rpc_farm/tracker/server/farm_service.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "rpc_farm/proto/agreement.h"
#include "rpc_farm/security/peer_identity.h"
#include "rpc_farm/tracker/server/answer_unary.h"
#include "rpc_farm/tracker/server/outbox.h"

namespace halyard {

using farm::v1::ArtifactChunk;
using farm::v1::RequestResult;

namespace {

// Empty without certificates: see ClientSessions::Check.
std::string UserOf(const grpc::CallbackServerContext& context) { return PeerOf(context).name; }

// A session's stream of results. Keeps itself until gRPC is done with it.
class ResultsStream final : public grpc::ServerWriteReactor<RequestResult>,
                            public std::enable_shared_from_this<ResultsStream> {
 public:
  ResultsStream(TrackerLoop& loop, Authorizer* authorizer, uint64_t stream,
                grpc::CallbackServerContext* context, std::string session)
      : loop_(loop),
        authorizer_(authorizer),
        stream_(stream),
        context_(context),
        peer_(PeerOf(*context)),
        session_(std::move(session)),
        outbox_(*this) {}

  void Begin() {
    self_ = shared_from_this();
    loop_.Post([self = self_](Tracker& tracker, FarmTime) {
      const absl::Status status = tracker.Attach(self->peer_.name, self->session_);
      if (status.ok()) {
        self->loop_.AddClient(
            self->session_, self->stream_,
            [self](const RequestResult& result) { self->Send(result); },
            [self] {
              self->outbox_.Finish({grpc::ABORTED, "another Results stream of the session began"});
            });
      }
      return [self, status] {
        if (!status.ok()) self->outbox_.Finish(ToRpc(status));
      };
    });
    context_->AddInitialMetadata(kResultsBegan, "1");
    StartSendInitialMetadata();
  }

  void OnWriteDone(bool ok) override { outbox_.Written(ok); }
  void OnCancel() override { outbox_.Finish(grpc::Status::CANCELLED); }

  void OnDone() override {
    loop_.Post([self = self_](Tracker& tracker, FarmTime now) {
      if (self->loop_.RemoveClient(self->session_, self->stream_)) {
        tracker.Detach(self->session_, now);
      }
      return TrackerLoop::Answer{};
    });
    self_.reset();
  }

 private:
  void Send(const RequestResult& result) {
    // The stream may live for longer than the certificate it began with.
    if (authorizer_ != nullptr) {
      if (const grpc::Status welcome = authorizer_->StillWelcome(peer_); !welcome.ok()) {
        return outbox_.Finish(welcome);
      }
    }
    if (!outbox_.Push(result)) context_->TryCancel();
  }

  TrackerLoop& loop_;
  Authorizer* const authorizer_;
  const uint64_t stream_;
  grpc::CallbackServerContext* context_;
  const PeerIdentity peer_;
  const std::string session_;
  Outbox<ResultsStream, RequestResult> outbox_;
  std::shared_ptr<ResultsStream> self_;
};

}  // namespace

grpc::ServerUnaryReactor* FarmService::OpenSession(Context* context,
                                                   const farm::v1::OpenSessionRequest* request,
                                                   farm::v1::OpenSessionReply* reply) {
  return AnswerUnary(
      context, loop_, [=, user = UserOf(*context)](Tracker& tracker, FarmTime now) -> absl::Status {
        if (request->protocol() != kFarmProtocolVersion) {
          return absl::FailedPreconditionError(fmt::format(
              "the client speaks protocol {}, this tracker {}: install the same version",
              request->protocol(), kFarmProtocolVersion));
        }
        auto session =
            tracker.OpenSession(user.empty() ? request->user() : user, request->label(), now);
        if (session.ok()) reply->set_session(*session);
        return session.status();
      });
}

grpc::ServerUnaryReactor* FarmService::DescribeDevice(
    Context* context, const farm::v1::DescribeDeviceRequest* request,
    farm::v1::DescribeDeviceReply* reply) {
  return AnswerUnary(context, loop_, [=](Tracker& tracker, FarmTime) -> absl::Status {
    auto described = tracker.DescribeDevice(request->device());
    if (!described.ok()) return described.status();
    *reply = *std::move(described);
    return absl::OkStatus();
  });
}

grpc::ServerReadReactor<ArtifactChunk>* FarmService::UploadArtifact(
    Context* context, farm::v1::UploadArtifactReply*) {
  auto stream = std::make_shared<UploadStream>(loop_, artifacts_, uploads_, UserOf(*context));
  stream->Begin();
  return stream.get();
}

grpc::ServerUnaryReactor* FarmService::Submit(Context* context,
                                              const farm::v1::SubmitRequest* request,
                                              farm::v1::SubmitReply* reply) {
  return AnswerUnary(context, loop_, [=, user = UserOf(*context)](Tracker& tracker, FarmTime now) {
    auto submitted = tracker.Submit(user, *request, now);
    if (!submitted.ok()) return submitted.status();
    *reply = *std::move(submitted);
    return absl::OkStatus();
  });
}

grpc::ServerWriteReactor<RequestResult>* FarmService::Results(
    Context* context, const farm::v1::ResultsRequest* request) {
  auto stream = std::make_shared<ResultsStream>(loop_, authorizer_.get(), ++last_stream_, context,
                                                request->session());
  stream->Begin();
  return stream.get();
}

grpc::ServerUnaryReactor* FarmService::Acknowledge(Context* context,
                                                   const farm::v1::AcknowledgeRequest* request,
                                                   farm::v1::AcknowledgeReply*) {
  return AnswerUnary(context, loop_, [=, user = UserOf(*context)](Tracker& tracker, FarmTime) {
    return tracker.Acknowledge(user, *request);
  });
}

grpc::ServerUnaryReactor* FarmService::Cancel(Context* context,
                                              const farm::v1::CancelRequest* request,
                                              farm::v1::CancelReply*) {
  return AnswerUnary(context, loop_, [=, user = UserOf(*context)](Tracker& tracker, FarmTime now) {
    return tracker.Cancel(user, *request, now);
  });
}

grpc::ServerUnaryReactor* FarmService::CloseSession(Context* context,
                                                    const farm::v1::CloseSessionRequest* request,
                                                    farm::v1::CloseSessionReply*) {
  return AnswerUnary(context, loop_, [=, user = UserOf(*context)](Tracker& tracker, FarmTime now) {
    return tracker.CloseSession(user, request->session(), now);
  });
}

}  // namespace halyard
