#include "rpc_farm/tracker/server/tracker_server.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <prometheus/exposer.h>

#include <chrono>
#include <exception>
#include <filesystem>
#include <mutex>
#include <utility>

#include "rpc_farm/security/credentials.h"
#include "rpc_farm/security/farm_listener.h"
#include "rpc_farm/security/server_setup.h"
#include "rpc_farm/tracker/server/admin_service.h"
#include "rpc_farm/tracker/server/agents_service.h"
#include "rpc_farm/tracker/server/farm_service.h"
#include "rpc_farm/tracker/server/tracker_loop.h"
#include "rpc_farm/tracker/server/tracker_metrics.h"

namespace halyard {
namespace {

constexpr std::chrono::seconds kShutdownTime{2};

class RunningTracker : public TrackerServer {
 public:
  RunningTracker(std::unique_ptr<TrackerStore> store, std::unique_ptr<ArtifactStore> artifacts,
                 const FarmLog& log)
      : log_(log), store_(std::move(store)), artifacts_(std::move(artifacts)) {}

  ~RunningTracker() override {
    exposer_.reset();
    // Streams live as long as their peers want: they are cut at the deadline. The loop answers
    // until then.
    if (listener_ != nullptr) listener_->Stop();
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now() + kShutdownTime);
  }

  absl::Status Begin(const TrackerOptions& options);

  int port() const override { return port_; }
  int metrics_port() const override { return metrics_port_; }
  absl::Status health() const override {
    const std::lock_guard lock(mutex_);
    return health_;
  }

 private:
  absl::Status Listen(const TrackerOptions& options);
  absl::Status Expose(const std::string& address);

  const FarmLog& log_;
  mutable std::mutex mutex_;
  absl::Status health_;
  std::unique_ptr<TrackerStore> store_;
  std::unique_ptr<ArtifactStore> artifacts_;
  std::unique_ptr<TrackerLoop> loop_;
  std::shared_ptr<Authorizer> authorizer_;  // none without certificates
  std::unique_ptr<FarmService> farm_;
  std::unique_ptr<AgentsService> agents_;
  std::unique_ptr<AdminService> admin_;
  std::unique_ptr<FarmListener> listener_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<TrackerMetrics> metrics_;
  std::unique_ptr<prometheus::Exposer> exposer_;
  int port_ = 0;
  int metrics_port_ = 0;
};

absl::Status RunningTracker::Begin(const TrackerOptions& options) {
  auto tracker = std::make_unique<Tracker>(*store_, *artifacts_);
  if (absl::Status s = tracker->Restore(FarmClock::now()); !s.ok()) return s;
  loop_ = std::make_unique<TrackerLoop>(std::move(tracker), [this](const absl::Status& status) {
    log_.Error("state_not_written", {{"error", std::string(status.message())}});
    const std::lock_guard lock(mutex_);
    health_ = status;
  });
  admin_ = std::make_unique<AdminService>(*loop_);
  if (absl::Status s = Listen(options); !s.ok()) return s;
  return options.metrics.empty() ? absl::OkStatus() : Expose(options.metrics);
}

absl::Status RunningTracker::Listen(const TrackerOptions& options) {
  const FarmLimits& limits = options.limits;
  if (!options.certificates.empty()) {
    auto authorizer = Authorizer::Open(options.certificates, limits);
    if (!authorizer.ok()) return authorizer.status();
    authorizer_ = *std::move(authorizer);
  }
  const auto credentials = ServerCredentialsFrom(
      options.certificates, options.address, authorizer_, [this](const absl::Status& trouble) {
        log_.Error("certificates_not_renewed", {{"error", std::string(trouble.message())}});
      });
  if (!credentials.ok()) return credentials.status();
  farm_ = std::make_unique<FarmService>(*loop_, *artifacts_, limits, authorizer_);
  agents_ = std::make_unique<AgentsService>(*loop_, *artifacts_, authorizer_, log_);
  grpc::ServerBuilder builder;
  ConfigureServer(builder, limits, authorizer_);
  auto listener = FarmListener::Bind(options.address, limits);
  if (!listener.ok()) return listener.status();
  listener_ = *std::move(listener);
  listener_->AddTo(builder, *credentials);
  builder.RegisterService(farm_.get());
  builder.RegisterService(agents_.get());
  builder.RegisterService(admin_.get());
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) return absl::InternalError("gRPC starts no server");
  port_ = listener_->port();
  listener_->Start();
  return absl::OkStatus();
}

absl::Status RunningTracker::Expose(const std::string& address) {
  try {
    exposer_ = std::make_unique<prometheus::Exposer>(address, 1);
  } catch (const std::exception& e) {
    return absl::UnavailableError(fmt::format("cannot serve metrics on {}: {}", address, e.what()));
  }
  metrics_ = std::make_shared<TrackerMetrics>(*loop_);
  exposer_->RegisterCollectable(metrics_);
  metrics_port_ = exposer_->GetListeningPorts().front();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<TrackerServer>> TrackerServer::Start(const TrackerOptions& options,
                                                                    const FarmLog& log) {
  std::error_code error;
  std::filesystem::create_directories(options.state, error);
  if (error) {
    return absl::FailedPreconditionError(
        fmt::format("--state {}: cannot be made: {}", options.state, error.message()));
  }
  auto store = TrackerStore::Open(options.state + "/tracker.db");
  if (!store.ok()) return store.status();
  auto artifacts = ArtifactStore::Open(options.state + "/artifacts", options.artifact_bytes);
  if (!artifacts.ok()) return artifacts.status();
  auto running = std::make_unique<RunningTracker>(*std::move(store), *std::move(artifacts), log);
  if (absl::Status s = running->Begin(options); !s.ok()) return s;
  return running;
}

}  // namespace halyard
