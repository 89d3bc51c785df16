#include "rpc_farm/tracker/server/agents_service.h"

#include <cstdio>
#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "rpc_farm/farm_log.h"
#include "rpc_farm/proto/rpc_status.h"
#include "rpc_farm/security/peer_identity.h"
#include "rpc_farm/tracker/server/outbox.h"

namespace halyard {

using farm::v1::AgentMessage;
using farm::v1::TrackerMessage;

namespace {

// An agent's connection. Keeps itself until gRPC is done with it; the loop may hold it for longer.
class AgentStream final : public grpc::ServerBidiReactor<AgentMessage, TrackerMessage>,
                          public std::enable_shared_from_this<AgentStream> {
 public:
  AgentStream(TrackerLoop& loop, Authorizer* authorizer, const FarmLog& log, SessionId session,
              grpc::CallbackServerContext* context)
      : loop_(loop),
        authorizer_(authorizer),
        log_(log),
        session_(session),
        context_(context),
        peer_(PeerOf(*context)),
        outbox_(*this) {}

  void Begin() {
    self_ = shared_from_this();
    StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return outbox_.Finish(grpc::Status::OK);  // the agent is gone, or goes
    // The stream may live for longer than the certificate it began with.
    if (authorizer_ != nullptr) {
      if (const grpc::Status welcome = authorizer_->StillWelcome(peer_); !welcome.ok()) {
        return outbox_.Finish(welcome);
      }
    }
    auto message = std::make_shared<AgentMessage>(std::move(message_));
    message_.Clear();
    if (!greeted_) {
      if (!message->has_hello()) {
        return outbox_.Finish({grpc::INVALID_ARGUMENT, "the first message must be Hello"});
      }
      greeted_ = true;
      Greet(std::move(message));
    } else {
      loop_.Post([self = self_, message](Tracker& tracker, FarmTime now) {
        tracker.Receive(self->session_, *message, now);
        return TrackerLoop::Answer{};
      });
    }
    StartRead(&message_);
  }

  void OnWriteDone(bool ok) override { outbox_.Written(ok); }
  void OnCancel() override { outbox_.Finish(grpc::Status::CANCELLED); }

  void OnDone() override {
    loop_.Post([self = self_](Tracker& tracker, FarmTime) {
      tracker.Disconnect(self->session_);
      self->loop_.RemoveAgent(self->session_);
      return [self] { self->log_.Info("agent_left", {{"session", self->session_}}); };
    });
    self_.reset();
  }

 private:
  void Greet(std::shared_ptr<AgentMessage> message) {
    const std::string agent = peer_.name.empty() ? message->hello().agent() : peer_.name;
    loop_.Post([self = self_, message, agent](Tracker& tracker, FarmTime now) {
      const absl::Status status = tracker.Connect(self->session_, agent, message->hello(), now);
      if (status.ok()) {
        self->loop_.AddAgent(
            self->session_,
            [self](const TrackerMessage& m) {
              if (!self->outbox_.Push(m)) self->context_->TryCancel();
            },
            [self](const std::string& why) {
              self->outbox_.Finish({grpc::ABORTED, why});
            });
      }
      return [self, status, agent, boards = message->hello().boards_size()] {
        self->log_.Info("agent_came", {{"agent", agent},
                                       {"session", self->session_},
                                       {"boards", boards},
                                       {"refused", std::string(status.message())}});
        if (!status.ok()) self->outbox_.Finish(ToRpc(status));
      };
    });
  }

  TrackerLoop& loop_;
  Authorizer* const authorizer_;
  const FarmLog& log_;
  const SessionId session_;
  grpc::CallbackServerContext* context_;
  const PeerIdentity peer_;
  Outbox<AgentStream, TrackerMessage> outbox_;
  AgentMessage message_;
  bool greeted_ = false;
  std::shared_ptr<AgentStream> self_;
};

class ArtifactStream final : public grpc::ServerWriteReactor<farm::v1::ArtifactChunk> {
 public:
  ArtifactStream(ArtifactStore& artifacts, const std::string& digest) {
    const auto path = artifacts.PathOf(digest);
    if (path.ok()) file_.reset(std::fopen(path->c_str(), "rbe"));
    if (file_ == nullptr) {
      Finish({grpc::NOT_FOUND, "no artifact " + digest});
    } else {
      Next();
    }
  }

  void OnWriteDone(bool ok) override {
    if (ok) {
      Next();
    } else {
      Finish(grpc::Status::CANCELLED);
    }
  }
  void OnDone() override { delete this; }

 private:
  struct Closer {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  void Next() {
    std::string& data = *chunk_.mutable_data();
    data.resize(kArtifactChunkBytes);
    data.resize(std::fread(data.data(), 1, data.size(), file_.get()));
    if (!data.empty()) {
      StartWrite(&chunk_);
    } else if (std::ferror(file_.get()) != 0) {
      Finish({grpc::DATA_LOSS, "the artifact cannot be read"});
    } else {
      Finish(grpc::Status::OK);
    }
  }
  std::unique_ptr<std::FILE, Closer> file_;
  farm::v1::ArtifactChunk chunk_;
};

}  // namespace

grpc::ServerBidiReactor<AgentMessage, TrackerMessage>* AgentsService::Connect(
    grpc::CallbackServerContext* context) {
  auto stream =
      std::make_shared<AgentStream>(loop_, authorizer_.get(), log_, ++last_session_, context);
  stream->Begin();
  return stream.get();
}

grpc::ServerWriteReactor<farm::v1::ArtifactChunk>* AgentsService::FetchArtifact(
    grpc::CallbackServerContext*, const farm::v1::Artifact* artifact) {
  return new ArtifactStream(artifacts_, absl::BytesToHexString(artifact->sha256()));
}

}  // namespace halyard
