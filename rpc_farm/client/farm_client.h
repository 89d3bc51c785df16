// A client's connection to a farm: one session, whose requests may be made from many threads.
// Everything is tried again while the tracker is away; a request's work is not.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "farm.grpc.pb.h"

namespace halyard {

struct FarmClientOptions {
  std::string address;       // HOST:PORT of the tracker
  std::string certificates;  // a client's folder; empty: none, on the loopback
  std::string user;          // who asks, where there are no certificates
  std::string label;         // for `tune farm status`
  // How long the tracker may be away before a call is given up.
  std::chrono::seconds patience{300};
};

// A file's content, by digest.
struct FarmArtifact {
  std::string sha256;  // 32 bytes
  std::string path;
  uint64_t size = 0;
};

class FarmClient {
 public:
  // Unavailable: no tracker answers there within ten seconds; Unauthenticated and PermissionDenied:
  // what the certificate lacks; InvalidArgument and NotFound of the options.
  static absl::StatusOr<std::unique_ptr<FarmClient>> Connect(const FarmClientOptions& options);
  ~FarmClient();  // ends the session, if the tracker can be reached within a second

  // Cancelled: `stop` was set. Unavailable: tracker away for too long.
  absl::StatusOr<farm::v1::DescribeDeviceReply> Describe(const std::string& device,
                                                         const std::atomic<bool>& stop);

  // Has the job run and waits for its end, however long it has to queue. `request`: all but session
  // and number. When `stop` is set the request is cancelled; when `leave_queue` is, unless it has
  // begun, and its result says so. Cancelled: so it was. Unavailable:
  // tracker away for too long. Others: as the tracker refused it, or what `wait_on`, asked every
  // half a minute, said; then it is cancelled too.
  absl::StatusOr<farm::v1::RequestResult> Measure(farm::v1::SubmitRequest request,
                                                  const std::vector<FarmArtifact>& artifacts,
                                                  const std::atomic<bool>& stop,
                                                  const std::atomic<bool>& leave_queue,
                                                  const std::function<absl::Status()>& wait_on);

 private:
  using Clock = std::chrono::steady_clock;
  struct Waiting {
    std::optional<farm::v1::RequestResult> result;
    bool session_lost = false;
    bool cancelled = false;
    bool left = false;  // the queue
  };

  explicit FarmClient(const FarmClientOptions& options) : options_(options) {}
  absl::Status OpenSession(Clock::time_point give_up);
  absl::Status Upload(const FarmArtifact& artifact, const std::string& session);
  absl::Status Cancel(const farm::v1::SubmitRequest& request, bool queued_only);
  // Waits for the end of what was submitted. Aborted: it was lost with its session.
  absl::StatusOr<farm::v1::RequestResult> Await(const farm::v1::SubmitRequest& request,
                                                const std::atomic<bool>& stop,
                                                const std::atomic<bool>& leave_queue,
                                                const std::function<absl::Status()>& wait_on);
  // Queues it under a number of the present session.
  absl::Status Submit(farm::v1::SubmitRequest& request, const std::vector<FarmArtifact>& artifacts,
                      const std::atomic<bool>& stop);
  void ReadResults();
  // Of one Results stream, until it ends.
  absl::Status ReadStream(const std::string& session);
  void Acknowledge();
  void LoseSession(const std::string& session);
  // With mutex_ held: the tracker has been away for longer than the patience.
  bool IsGone() const;
  absl::Status GoneError() const;

  const FarmClientOptions options_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<farm::v1::Farm::Stub> stub_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string session_;
  uint64_t last_number_ = 0;
  std::map<uint64_t, Waiting> waiting_;  // by number in session_
  std::vector<uint64_t> to_acknowledge_;
  grpc::ClientContext* results_ = nullptr;       // of the stream that is read
  std::optional<Clock::time_point> away_since_;  // the last Results stream ended
  std::atomic<bool> ending_{false};
  std::thread reader_, acknowledger_;
};

}  // namespace halyard
