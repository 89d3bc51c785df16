#include "rpc_farm/agent/tracker_link.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <random>
#include <utility>

#include "rpc_farm/agent/lease_book.h"
#include "rpc_farm/proto/rpc_status.h"
#include "rpc_farm/security/farm_limits.h"
#include "rpc_farm/security/server_setup.h"

namespace halyard {
namespace {

using farm::v1::AgentMessage;
using farm::v1::TrackerMessage;
using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{1'000}, kLongestPause{10'000};
constexpr milliseconds kConnectWithin{5'000}, kWelcomeWithin{10'000};
// Whatever a tracker says, it is heard often enough and not flooded.
constexpr milliseconds kFastestHeartbeat{100}, kSlowestHeartbeat{20'000};

grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments arguments = FarmChannelArguments();
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectWithin.count());
  // The pauses are this file's: a channel that is shared would keep pauses of its own.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return arguments;
}

// So that a rack of agents does not come back in step.
milliseconds WithJitter(milliseconds pause) {
  static thread_local std::mt19937 random{std::random_device{}()};
  std::uniform_real_distribution<double> factor(0.75, 1.25);
  return milliseconds(static_cast<int64_t>(factor(random) * static_cast<double>(pause.count())));
}

// What is larger than the tracker takes would end the connection, and be sent again on the next one
// for ever.
AgentMessage Fitting(AgentMessage message) {
  const size_t bytes = message.ByteSizeLong();
  if (!message.has_run_done() || bytes <= static_cast<size_t>(FarmLimits{}.message_bytes)) {
    return message;
  }
  *message.mutable_run_done() =
      Loss(farm::v1::Lease(message.run_done().lease()),
           fmt::format("the result has {} bytes, {} is the most that the tracker takes", bytes,
                       FarmLimits{}.message_bytes));
  return message;
}

}  // namespace

struct TrackerLink::Connection {
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReaderWriter<AgentMessage, TrackerMessage>> stream;
  // The rest under the link's lock.
  std::deque<AgentMessage> outbox;
  bool welcomed = false, ended = false;
  milliseconds heartbeat{10'000};
};

TrackerLink::TrackerLink(std::string address, MakeCredentials credentials, Handlers handlers,
                         const FarmLog& log)
    : address_(std::move(address)),
      credentials_(std::move(credentials)),
      handlers_(std::move(handlers)),
      log_(log) {}

TrackerLink::~TrackerLink() { Close(milliseconds(0)); }

void TrackerLink::Start() { thread_ = std::thread(&TrackerLink::DialForEver, this); }

void TrackerLink::Redial() {
  const std::lock_guard lock(mutex_);
  redial_ = true;
  if (connection_ != nullptr) connection_->context.TryCancel();
  changed_.notify_all();
}

void TrackerLink::Send(AgentMessage message) {
  const std::lock_guard lock(mutex_);
  if (connection_ == nullptr || !connection_->welcomed) return;
  connection_->outbox.push_back(std::move(message));
  changed_.notify_all();
}

void TrackerLink::Close(milliseconds limit) {
  if (!thread_.joinable()) return;
  {
    std::unique_lock lock(mutex_);
    closing_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, limit, [this] { return connection_ == nullptr; });
    if (connection_ != nullptr) connection_->context.TryCancel();
  }
  thread_.join();
}

bool TrackerLink::connected() const {
  const std::lock_guard lock(mutex_);
  return connection_ != nullptr && connection_->welcomed;
}

bool TrackerLink::Sleep(milliseconds pause) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, pause, [this] { return closing_ || redial_; });
  return !closing_;
}

void TrackerLink::DialForEver() {
  milliseconds pause = kFirstPause;
  do {
    if (Converse()) pause = kFirstPause;
    const bool at_once = [this] {
      const std::lock_guard lock(mutex_);
      return std::exchange(redial_, false);
    }();
    if (at_once) pause = milliseconds(0);
    if (!Sleep(WithJitter(pause))) return;
    pause = std::clamp(2 * pause, kFirstPause, kLongestPause);
  } while (true);
}

bool TrackerLink::Converse() {
  const auto credentials = credentials_();
  if (!credentials.ok()) {
    log_.Error("no_credentials", {{"why", std::string(credentials.status().message())}});
    return false;
  }
  Connection connection;
  const std::shared_ptr<Stub> stub =
      farm::v1::Agents::NewStub(grpc::CreateCustomChannel(address_, *credentials, Arguments()));
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return false;
    stub_ = stub;
    connection_ = &connection;  // from here on it can be cancelled
    changed_.notify_all();
  }
  // Has no deadline of its own: keepalive ends a stream whose other end is gone.
  connection.stream = stub->Connect(&connection.context);
  AgentMessage hello;
  *hello.mutable_hello() = handlers_.hello();
  std::thread writer;
  if (connection.stream->Write(hello)) {
    writer = std::thread(&TrackerLink::Write, this, std::ref(connection));
    for (TrackerMessage message; connection.stream->Read(&message);) {
      if (!message.has_welcome()) {
        handlers_.message(message);
        continue;
      }
      std::vector<AgentMessage> first = handlers_.welcomed(message.welcome());
      const std::lock_guard lock(mutex_);
      connection.welcomed = true;
      connection.heartbeat = std::clamp(milliseconds(message.welcome().heartbeat_ms()),
                                        kFastestHeartbeat, kSlowestHeartbeat);
      connection.outbox.insert(connection.outbox.begin(), first.begin(), first.end());
      changed_.notify_all();
    }
  }
  {
    const std::lock_guard lock(mutex_);
    connection.ended = true;
    changed_.notify_all();
  }
  if (writer.joinable()) writer.join();
  const grpc::Status status = connection.stream->Finish();
  const std::lock_guard lock(mutex_);
  connection_ = nullptr;
  changed_.notify_all();
  if (!closing_ && !redial_) {
    log_.Warn(connection.welcomed ? "tracker_lost" : "tracker_unreachable",
              {{"tracker", address_},
               {"code", static_cast<int>(status.error_code())},
               {"why", status.error_message()}});
  }
  return connection.welcomed;
}

void TrackerLink::Write(Connection& connection) {
  auto next_heartbeat = Clock::now() + kWelcomeWithin;
  std::unique_lock lock(mutex_);
  while (!connection.ended) {
    if (connection.outbox.empty()) {
      if (closing_) break;
      const auto heartbeat = connection.heartbeat;
      changed_.wait_until(lock, next_heartbeat, [&] {
        return connection.ended || closing_ || !connection.outbox.empty() ||
               connection.heartbeat != heartbeat;
      });
      if (connection.heartbeat != heartbeat) next_heartbeat = Clock::now() + connection.heartbeat;
      if (connection.outbox.empty() && Clock::now() >= next_heartbeat && !connection.ended) {
        // Whoever accepted the connection does not speak: it is no tracker, or a stuck one.
        if (!connection.welcomed) return connection.context.TryCancel();
        connection.outbox.emplace_back().mutable_heartbeat();
      }
      continue;
    }
    const AgentMessage message = Fitting(std::move(connection.outbox.front()));
    connection.outbox.pop_front();
    lock.unlock();
    const bool sent = connection.stream->Write(message);
    lock.lock();
    if (!sent) return;
    next_heartbeat = Clock::now() + connection.heartbeat;
  }
  if (connection.ended) return;
  lock.unlock();
  connection.stream->WritesDone();
}

absl::StatusOr<std::string> TrackerLink::FetchOnce(Stub& stub, const farm::v1::Artifact& artifact,
                                                   const std::stop_token& stop,
                                                   Clock::time_point deadline) {
  grpc::ClientContext context;
  const auto left = deadline - Clock::now();
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::duration_cast<std::chrono::system_clock::duration>(left));
  const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
  const auto reader = stub.FetchArtifact(&context, artifact);
  std::string bytes;
  bool too_many = false;
  for (farm::v1::ArtifactChunk chunk; !too_many && reader->Read(&chunk);) {
    too_many = bytes.size() + chunk.data().size() > artifact.size();
    if (too_many) context.TryCancel();
    bytes += chunk.data();
  }
  const grpc::Status status = reader->Finish();
  if (too_many) return absl::DataLossError("the tracker sent more bytes than it said");
  if (!status.ok()) return FromRpc(status);
  return bytes;
}

absl::StatusOr<std::string> TrackerLink::Fetch(const farm::v1::Artifact& artifact,
                                               const std::stop_token& stop,
                                               Clock::time_point deadline) {
  absl::Status why = absl::UnavailableError("the tracker is away");
  while (Clock::now() < deadline && !stop.stop_requested()) {
    std::shared_ptr<Stub> stub;
    {
      const std::lock_guard lock(mutex_);
      stub = stub_;
    }
    if (stub != nullptr) {
      auto bytes = FetchOnce(*stub, artifact, stop, deadline);
      if (bytes.ok() || !absl::IsUnavailable(bytes.status())) return bytes;
      why = bytes.status();
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, std::min<Clock::duration>(kFirstPause, deadline - Clock::now()),
                      [&] { return stub_ != stub || closing_; });
    if (closing_) break;
  }
  if (stop.stop_requested()) return absl::CancelledError("stopped");
  return why;
}

}  // namespace halyard
