// The agent's one connection to the tracker: dialled again for ever, whatever becomes of it. What
// must survive a lost connection is kept by its owner (LeaseBook), which says it again on each new
// one.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "farm.grpc.pb.h"
#include "rpc_farm/farm_log.h"

namespace grpc {
class ChannelCredentials;
}  // namespace grpc

namespace halyard {

// Thread-safe.
class TrackerLink {
 public:
  using Clock = std::chrono::steady_clock;
  // Called on the link's own thread; they must not wait for anything.
  struct Handlers {
    std::function<farm::v1::AgentMessage::Hello()> hello;
    // What to say first on a new connection.
    std::function<std::vector<farm::v1::AgentMessage>(const farm::v1::TrackerMessage::Welcome&)>
        welcomed;
    std::function<void(const farm::v1::TrackerMessage&)> message;  // any but Welcome
  };
  // Asked at each dial: a certificate that expired may have been renewed since.
  using MakeCredentials =
      std::function<absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>>()>;

  TrackerLink(std::string address, MakeCredentials credentials, Handlers handlers,
              const FarmLog& log);
  ~TrackerLink();  // as Close(0)

  void Start();
  // Connects anew at once, with a new Hello.
  void Redial();
  // Said on the present connection; nowhere if there is none.
  void Send(farm::v1::AgentMessage message);
  // Sends what was said, hangs up and ends, in `limit` at the latest.
  void Close(std::chrono::milliseconds limit);

  // The bytes of an artifact, asked for again while the tracker is away until `deadline`.
  // Cancelled: `stop` was requested. DataLoss: more bytes came than `artifact` says. Otherwise the
  // tracker's.
  absl::StatusOr<std::string> Fetch(const farm::v1::Artifact& artifact, const std::stop_token& stop,
                                    Clock::time_point deadline);

  bool connected() const;  // and welcomed

 private:
  using Stub = farm::v1::Agents::Stub;
  struct Connection;

  void DialForEver();
  // One connection, from dial to end; true where it was welcomed.
  bool Converse();
  void Write(Connection& connection);
  absl::StatusOr<std::string> FetchOnce(Stub& stub, const farm::v1::Artifact& artifact,
                                        const std::stop_token& stop, Clock::time_point deadline);
  bool Sleep(std::chrono::milliseconds pause);  // false: no use in dialling again

  const std::string address_;
  const MakeCredentials credentials_;
  const Handlers handlers_;
  const FarmLog& log_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  bool closing_ = false, redial_ = false;
  std::shared_ptr<Stub> stub_;  // of the last dial
  Connection* connection_ = nullptr;
  std::thread thread_;
};

}  // namespace halyard
