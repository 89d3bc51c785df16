// The tracker's end of an agent's connection, as a test wants it: what only a tracker that
// misbehaves, restarts or forgets can show.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "farm.grpc.pb.h"

namespace halyard {

class TrackerDouble final : public farm::v1::Agents::Service {
 public:
  using AgentMessage = farm::v1::AgentMessage;
  using TrackerMessage = farm::v1::TrackerMessage;
  using Milliseconds = std::chrono::milliseconds;

  TrackerDouble();
  ~TrackerDouble() override;

  std::string address() const;
  // The server goes and comes back at the same address.
  void Stop();
  void Start();
  void CutStreams();

  void AddArtifact(const std::string& bytes);
  // Changes what FetchArtifact sends of every artifact.
  void Corrupt(std::function<std::string(std::string)> how);

  // On the newest stream. REQUIRES: an agent is connected.
  void Send(const TrackerMessage& message);
  void SendTaken(const farm::v1::Lease& lease);

  // The first message not yet awaited for which `wanted` holds, those before it left alone; false:
  // none came in time.
  bool Await(const std::function<bool(const AgentMessage&)>& wanted, AgentMessage* message,
             Milliseconds limit = Milliseconds(20'000));
  bool AwaitHello(AgentMessage::Hello* hello);
  bool AwaitRunDone(AgentMessage::RunDone* done, Milliseconds limit = Milliseconds(20'000));
  // How many RunDones of the lease have come, awaited or not.
  int RunDones(const farm::v1::Lease& lease) const;
  int heartbeats() const;
  int fetches() const;

  // Before agents connect.
  uint32_t heartbeat_ms = 200;

 private:
  using Stream = grpc::ServerReaderWriter<TrackerMessage, AgentMessage>;
  grpc::Status Connect(grpc::ServerContext* context, Stream* stream) override;
  grpc::Status FetchArtifact(grpc::ServerContext* context, const farm::v1::Artifact* artifact,
                             grpc::ServerWriter<farm::v1::ArtifactChunk>* writer) override;

  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  grpc::ServerContext* context_ = nullptr;  // of the newest stream
  Stream* stream_ = nullptr;
  std::vector<AgentMessage> received_, all_;
  std::map<std::string, std::string> artifacts_;  // by digest in hex
  std::function<std::string(std::string)> corrupt_;
  int heartbeats_ = 0, fetches_ = 0;
};

}  // namespace halyard
