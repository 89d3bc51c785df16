#include "tests/integration/farm_agent/tracker_double.h"

#include <algorithm>
#include <stdexcept>

#include "absl/strings/escaping.h"
#include "rpc_farm/sha256.h"

namespace halyard {

TrackerDouble::TrackerDouble() { Start(); }

TrackerDouble::~TrackerDouble() { Stop(); }

std::string TrackerDouble::address() const { return "127.0.0.1:" + std::to_string(port_); }

void TrackerDouble::Start() {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:" + std::to_string(port_), grpc::InsecureServerCredentials(),
                           &port);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) throw std::runtime_error("the tracker's double does not listen");
  port_ = port;
}

void TrackerDouble::Stop() {
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

void TrackerDouble::CutStreams() {
  const std::lock_guard lock(mutex_);
  if (context_ != nullptr) context_->TryCancel();
}

void TrackerDouble::AddArtifact(const std::string& bytes) {
  const std::lock_guard lock(mutex_);
  artifacts_[Sha256Hex(bytes)] = bytes;
}

void TrackerDouble::Corrupt(std::function<std::string(std::string)> how) {
  const std::lock_guard lock(mutex_);
  corrupt_ = std::move(how);
}

void TrackerDouble::Send(const TrackerMessage& message) {
  const std::lock_guard lock(mutex_);
  if (stream_ == nullptr) throw std::runtime_error("no agent is connected");
  stream_->Write(message);
}

void TrackerDouble::SendTaken(const farm::v1::Lease& lease) {
  TrackerMessage message;
  *message.mutable_taken()->mutable_lease() = lease;
  Send(message);
}

bool TrackerDouble::Await(const std::function<bool(const AgentMessage&)>& wanted,
                          AgentMessage* message, Milliseconds limit) {
  std::unique_lock lock(mutex_);
  const auto end = std::chrono::steady_clock::now() + limit;
  for (;;) {
    const auto at = std::find_if(received_.begin(), received_.end(), wanted);
    if (at != received_.end()) {
      *message = *at;
      received_.erase(at);
      return true;
    }
    if (changed_.wait_until(lock, end) == std::cv_status::timeout &&
        std::none_of(received_.begin(), received_.end(), wanted)) {
      return false;
    }
  }
}

bool TrackerDouble::AwaitHello(AgentMessage::Hello* hello) {
  AgentMessage message;
  const bool came = Await([](const AgentMessage& m) { return m.has_hello(); }, &message);
  *hello = message.hello();
  return came;
}

bool TrackerDouble::AwaitRunDone(AgentMessage::RunDone* done, Milliseconds limit) {
  AgentMessage message;
  const bool came = Await([](const AgentMessage& m) { return m.has_run_done(); }, &message, limit);
  *done = message.run_done();
  return came;
}

int TrackerDouble::RunDones(const farm::v1::Lease& lease) const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(std::count_if(all_.begin(), all_.end(), [&](const AgentMessage& m) {
    return m.has_run_done() && m.run_done().lease().board() == lease.board() &&
           m.run_done().lease().epoch() == lease.epoch();
  }));
}

int TrackerDouble::heartbeats() const {
  const std::lock_guard lock(mutex_);
  return heartbeats_;
}

int TrackerDouble::fetches() const {
  const std::lock_guard lock(mutex_);
  return fetches_;
}

grpc::Status TrackerDouble::Connect(grpc::ServerContext* context, Stream* stream) {
  for (AgentMessage message; stream->Read(&message);) {
    const std::lock_guard lock(mutex_);
    if (message.has_heartbeat()) {
      ++heartbeats_;
      continue;
    }
    if (message.has_hello()) {
      TrackerMessage welcome;
      welcome.mutable_welcome()->set_heartbeat_ms(heartbeat_ms);
      for (const auto& board : message.hello().boards()) {
        welcome.mutable_welcome()->add_boards()->set_board(board.name());
      }
      stream->Write(welcome);
      context_ = context;
      stream_ = stream;
    }
    received_.push_back(message);
    all_.push_back(message);
    changed_.notify_all();
  }
  const std::lock_guard lock(mutex_);
  if (stream_ == stream) {
    stream_ = nullptr;
    context_ = nullptr;
  }
  return grpc::Status::OK;
}

grpc::Status TrackerDouble::FetchArtifact(grpc::ServerContext*, const farm::v1::Artifact* artifact,
                                          grpc::ServerWriter<farm::v1::ArtifactChunk>* writer) {
  std::string bytes;
  {
    const std::lock_guard lock(mutex_);
    ++fetches_;
    const auto at = artifacts_.find(absl::BytesToHexString(artifact->sha256()));
    if (at == artifacts_.end()) return {grpc::StatusCode::NOT_FOUND, "no such artifact"};
    bytes = corrupt_ ? corrupt_(at->second) : at->second;
  }
  constexpr size_t kChunk = size_t{64} << 10;
  for (size_t from = 0; from < bytes.size(); from += kChunk) {
    farm::v1::ArtifactChunk chunk;
    chunk.set_data(bytes.substr(from, kChunk));
    if (!writer->Write(chunk)) break;
  }
  return grpc::Status::OK;
}

}  // namespace halyard
