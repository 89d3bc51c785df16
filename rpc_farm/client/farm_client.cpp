#include "rpc_farm/client/farm_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <future>
#include <utility>

#include "rpc_farm/artifacts/artifact_store.h"
#include "rpc_farm/client/unary_call.h"
#include "rpc_farm/proto/agreement.h"
#include "rpc_farm/proto/rpc_status.h"
#include "rpc_farm/security/credentials.h"
#include "rpc_farm/security/server_setup.h"

namespace halyard {

using farm::v1::RequestResult;
using farm::v1::SubmitReply;
using farm::v1::SubmitRequest;

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kCancelTime{2};
constexpr seconds kConnectTime{10};
constexpr milliseconds kAcknowledgeEvery{200};
constexpr seconds kAskEvery{30};
constexpr int kUploadTries = 3;

const std::atomic<bool> kNeverStop{false};

}  // namespace

absl::StatusOr<std::unique_ptr<FarmClient>> FarmClient::Connect(const FarmClientOptions& options) {
  auto credentials = ChannelCredentialsFrom(options.certificates, options.address);
  if (!credentials.ok()) return credentials.status();
  std::unique_ptr<FarmClient> client(new FarmClient(options));
  client->channel_ =
      grpc::CreateCustomChannel(options.address, *credentials, FarmChannelArguments());
  client->stub_ = farm::v1::Farm::NewStub(client->channel_);
  const absl::Status opened = client->OpenSession(Clock::now() + kConnectTime);
  if (IsPassing(opened)) return Unreachable(options.address, opened);
  if (!opened.ok()) return opened;
  client->reader_ = std::thread([c = client.get()] { c->ReadResults(); });
  client->acknowledger_ = std::thread([c = client.get()] { c->Acknowledge(); });
  return client;
}

FarmClient::~FarmClient() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    if (results_ != nullptr) results_->TryCancel();
  }
  changed_.notify_all();
  if (reader_.joinable()) reader_.join();
  if (acknowledger_.joinable()) acknowledger_.join();
  if (session_.empty()) return;
  grpc::ClientContext context;
  SetDeadline(context, seconds(1));
  farm::v1::CloseSessionRequest request;
  request.set_session(session_);
  farm::v1::CloseSessionReply reply;
  // It ends by itself where the tracker cannot be told.
  (void)stub_->CloseSession(&context, request, &reply);
}

absl::Status FarmClient::OpenSession(Clock::time_point give_up) {
  farm::v1::OpenSessionRequest request;
  request.set_protocol(kFarmProtocolVersion);
  request.set_user(options_.user);
  request.set_label(options_.label);
  farm::v1::OpenSessionReply reply;
  const absl::Status status =
      RetryCall(give_up, ending_, [&](grpc::ClientContext& context, auto end) {
        stub_->async()->OpenSession(&context, &request, &reply, end);
      });
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  session_ = reply.session();
  last_number_ = 0;
  waiting_.clear();
  to_acknowledge_.clear();
  changed_.notify_all();
  return absl::OkStatus();
}

absl::StatusOr<farm::v1::DescribeDeviceReply> FarmClient::Describe(const std::string& device,
                                                                   const std::atomic<bool>& stop) {
  farm::v1::DescribeDeviceRequest request;
  request.set_device(device);
  farm::v1::DescribeDeviceReply reply;
  const absl::Status status = RetryCall(
      Clock::now() + options_.patience, stop, [&](grpc::ClientContext& context, auto end) {
        stub_->async()->DescribeDevice(&context, &request, &reply, end);
      });
  if (!status.ok()) return status;
  return reply;
}

// ---- requests

absl::Status FarmClient::Upload(const FarmArtifact& artifact, const std::string& session) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(artifact.path.c_str(), "rbe"),
                                                       &std::fclose);
  if (file == nullptr) {
    // Not NotFound: that is what the tracker says of a session.
    return absl::FailedPreconditionError(fmt::format("cannot read the artifact {}", artifact.path));
  }
  grpc::ClientContext context;
  SetDeadline(context, seconds(60));
  farm::v1::UploadArtifactReply reply;
  const auto writer = stub_->UploadArtifact(&context, &reply);
  farm::v1::ArtifactChunk chunk;
  chunk.set_session(session);
  chunk.mutable_artifact()->set_sha256(artifact.sha256);
  chunk.mutable_artifact()->set_size(artifact.size);
  bool going = writer->Write(chunk);
  chunk.Clear();
  while (going) {
    std::string& data = *chunk.mutable_data();
    data.resize(kArtifactChunkBytes);
    data.resize(std::fread(data.data(), 1, data.size(), file.get()));
    if (data.empty()) break;
    going = writer->Write(chunk);
  }
  writer->WritesDone();
  return FromRpc(writer->Finish());
}

absl::Status FarmClient::Submit(SubmitRequest& request, const std::vector<FarmArtifact>& artifacts,
                                const std::atomic<bool>& stop) {
  {
    const std::lock_guard lock(mutex_);
    request.set_session(session_);
    request.set_number(++last_number_);
    // Before it is sent: its result may come before the answer does.
    waiting_[request.number()] = {};
  }
  const auto give_up = Clock::now() + options_.patience;
  milliseconds pause = kFirstPause;
  for (int tries = 0; tries < kUploadTries;) {
    SubmitReply reply;
    absl::Status status = RetryCall(give_up, stop, [&](grpc::ClientContext& context, auto end) {
      stub_->async()->Submit(&context, &request, &reply, end);
    });
    // A retry whose first try had come through.
    if (absl::IsAlreadyExists(status)) return absl::OkStatus();
    if (!status.ok() || reply.missing_size() == 0) return status;
    for (const std::string& digest : reply.missing()) {
      const auto artifact = std::find_if(artifacts.begin(), artifacts.end(),
                                         [&](const auto& a) { return a.sha256 == digest; });
      if (artifact == artifacts.end()) {
        return absl::InternalError("the tracker wants an artifact that the job does not name");
      }
      status = Upload(*artifact, request.session());
      if (!status.ok()) break;
    }
    if (!status.ok() && !IsPassing(status)) return status;
    // A limit is no failure to keep them, but for how long it lasts.
    if (!IsPassingLimit(status)) {
      ++tries;
      continue;
    }
    if (Clock::now() + pause > give_up) return status;
    if (!Pause(pause, stop)) return absl::CancelledError("stopped");
    pause = std::min(2 * pause, kLongestPause);
  }
  return absl::UnavailableError("the tracker does not keep the artifacts");
}

bool FarmClient::IsGone() const {
  return away_since_ && Clock::now() - *away_since_ > options_.patience;
}

absl::Status FarmClient::GoneError() const {
  return absl::UnavailableError(fmt::format("the farm tracker at {} has been away for {} s",
                                            options_.address, options_.patience.count()));
}

absl::Status FarmClient::Cancel(const SubmitRequest& request, bool queued_only) {
  farm::v1::CancelRequest cancel;
  cancel.set_session(request.session());
  cancel.add_numbers(request.number());
  cancel.set_queued_only(queued_only);
  farm::v1::CancelReply reply;
  return RetryCall(Clock::now() + kCancelTime, kNeverStop,
                   [&](grpc::ClientContext& context, auto end) {
                     stub_->async()->Cancel(&context, &cancel, &reply, end);
                   });
}

absl::StatusOr<RequestResult> FarmClient::Await(const SubmitRequest& request,
                                                const std::atomic<bool>& stop,
                                                const std::atomic<bool>& leave_queue,
                                                const std::function<absl::Status()>& wait_on) {
  absl::Status given_up;
  auto ask_next = Clock::now() + kAskEvery;
  std::unique_lock lock(mutex_);
  while (true) {
    if (request.session() != session_) return absl::AbortedError("the session was lost");
    Waiting& waiting = waiting_.at(request.number());
    if (waiting.session_lost) return absl::AbortedError("the session was lost");
    if (waiting.result) {
      RequestResult result = *std::move(waiting.result);
      waiting_.erase(request.number());
      return given_up.ok() ? absl::StatusOr<RequestResult>(std::move(result)) : given_up;
    }
    if (IsGone()) return GoneError();
    if (given_up.ok() && stop) given_up = absl::CancelledError("stopped");
    if (leave_queue && !waiting.left) {
      waiting.left = true;
      lock.unlock();
      // Where it fails the run is waited for.
      (void)Cancel(request, /*queued_only=*/true);
      lock.lock();
      continue;
    }
    if (given_up.ok() && Clock::now() >= ask_next) {
      lock.unlock();
      given_up = wait_on();
      lock.lock();
      ask_next = Clock::now() + kAskEvery;
      continue;  // unlocked, anything may have come
    }
    if (!given_up.ok() && !waiting.cancelled) {
      waiting.cancelled = true;
      lock.unlock();
      const bool told = Cancel(request, /*queued_only=*/false).ok();
      lock.lock();
      // Else the session's end will cancel it.
      if (!told) return given_up;
      continue;
    }
    changed_.wait_for(lock, kStopPoll);
  }
}

absl::StatusOr<RequestResult> FarmClient::Measure(SubmitRequest request,
                                                  const std::vector<FarmArtifact>& artifacts,
                                                  const std::atomic<bool>& stop,
                                                  const std::atomic<bool>& leave_queue,
                                                  const std::function<absl::Status()>& wait_on) {
  while (true) {
    const absl::Status submitted = Submit(request, artifacts, stop);
    if (absl::IsNotFound(submitted)) {
      LoseSession(request.session());
    } else if (!submitted.ok()) {
      const std::lock_guard lock(mutex_);
      if (request.session() == session_) waiting_.erase(request.number());
      return submitted;
    } else {
      auto result = Await(request, stop, leave_queue, wait_on);
      if (!absl::IsAborted(result.status())) return result;
    }
    // Once more, in the session that ReadResults opens.
    std::unique_lock lock(mutex_);
    while (session_ == request.session()) {
      if (stop) return absl::CancelledError("stopped");
      if (IsGone()) return GoneError();
      changed_.wait_for(lock, kStopPoll);
    }
  }
}

// ---- results

void FarmClient::LoseSession(const std::string& session) {
  const std::lock_guard lock(mutex_);
  if (session != session_) return;
  for (auto& [number, waiting] : waiting_) waiting.session_lost = true;
  if (results_ != nullptr) results_->TryCancel();
  changed_.notify_all();
}

absl::Status FarmClient::ReadStream(const std::string& session) {
  grpc::ClientContext context;
  {
    const std::lock_guard lock(mutex_);
    if (ending_) return absl::CancelledError("ends");
    results_ = &context;
  }
  farm::v1::ResultsRequest request;
  request.set_session(session);
  const auto reader = stub_->Results(&context, request);
  reader->WaitForInitialMetadata();
  RequestResult result;
  const bool began = context.GetServerInitialMetadata().contains(kResultsBegan);
  if (began) {
    const std::lock_guard lock(mutex_);
    away_since_.reset();
  }
  while (reader->Read(&result)) {
    const std::lock_guard lock(mutex_);
    const auto at = waiting_.find(result.number());
    if (at != waiting_.end()) at->second.result = result;
    to_acknowledge_.push_back(result.number());
    changed_.notify_all();
  }
  const absl::Status status = FromRpc(reader->Finish());
  const std::lock_guard lock(mutex_);
  results_ = nullptr;
  if (!away_since_) away_since_ = Clock::now();
  return status;
}

void FarmClient::ReadResults() {
  milliseconds pause = kFirstPause;
  while (!ending_) {
    std::string session;
    {
      const std::lock_guard lock(mutex_);
      session = session_;
    }
    const auto began = Clock::now();
    const absl::Status status = ReadStream(session);
    if (ending_) return;
    if (absl::IsNotFound(status)) {
      // Expired while the network was away, or the tracker's state is another: what it had is lost.
      LoseSession(session);
      if (OpenSession(Clock::now() + options_.patience).ok()) continue;
    }
    if (Clock::now() - began > kLongestPause) pause = kFirstPause;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, pause, [&] { return ending_.load(); });
    pause = std::min(2 * pause, kLongestPause);
  }
}

void FarmClient::Acknowledge() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    changed_.wait_for(lock, kAcknowledgeEvery, [&] { return ending_.load(); });
    if (to_acknowledge_.empty()) continue;
    farm::v1::AcknowledgeRequest request;
    request.set_session(session_);
    for (const uint64_t number : to_acknowledge_) request.add_numbers(number);
    to_acknowledge_.clear();
    lock.unlock();
    farm::v1::AcknowledgeReply reply;
    const absl::Status told =
        CallOnce(kCallDeadline, ending_, [&](grpc::ClientContext& context, auto end) {
          stub_->async()->Acknowledge(&context, &request, &reply, end);
        });
    lock.lock();
    // What was refused for a moment is told again; what was lost with the connection the tracker
    // sends once more.
    if (!IsPassingLimit(told) || request.session() != session_) continue;
    to_acknowledge_.insert(to_acknowledge_.end(), request.numbers().begin(),
                           request.numbers().end());
  }
}

}  // namespace halyard
