#include "rpc_farm/agent/board_worker.h"

#include <algorithm>
#include <utility>

#include "rpc_farm/agent/frames.h"
#include "rpc_farm/runner_outcome.h"
#include "rpc_farm/security/farm_limits.h"
#include "targets/artifact_header.h"
#include "targets/device_snapshot.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using farm::v1::AgentMessage;
using farm::v1::TrackerMessage;

constexpr milliseconds kFirstWords{35'000};
// A board that cannot be reached is tried again.
constexpr milliseconds kRetryBoard{30'000};
// Runs that are made again for a board that holds its results, while it drifts.
constexpr int kMostHeldRuns = 3;

// Lease, message and environment are a few KiB.
static_assert(kMostReplyBytes + (size_t{32} << 10) <=
              static_cast<size_t>(FarmLimits{}.message_bytes));

std::string JsonText(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

BoardWorker::BoardWorker(BoardEntry board, std::unique_ptr<BoardExecutor> executor,
                         WorkerSurroundings surroundings, DriftPolicy policy)
    : board_(std::move(board)),
      counted_(board_.device.board_kind() == BoardKind::kVirtual),
      around_(std::move(surroundings)),
      executor_(std::move(executor)),
      policy_(policy),
      watch_(policy) {
  if (absl::Status s = executor_->Start(); !s.ok()) {
    around_.log.Error("host_not_started", {{"board", board_.name}, {"why", s.message()}});
  }
}

BoardWorker::~BoardWorker() { Leave(); }

void BoardWorker::Start() { thread_ = std::thread(&BoardWorker::Work, this); }

void BoardWorker::BeginToLeave() {
  {
    const std::lock_guard lock(mutex_);
    leaving_ = true;
    changed_.notify_all();
  }
  leave_.request_stop();
}

void BoardWorker::Leave() {
  BeginToLeave();
  if (thread_.joinable()) thread_.join();
}

bool BoardWorker::tried() const {
  const std::lock_guard lock(mutex_);
  return tried_;
}

std::optional<farm::v1::BoardOffer> BoardWorker::Offer() const {
  const std::lock_guard lock(mutex_);
  return offer_;
}

std::optional<AgentMessage::BoardReport> BoardWorker::Report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

void BoardWorker::Put(Order order) {
  const std::lock_guard lock(mutex_);
  orders_.push_back(std::move(order));
  changed_.notify_all();
}

void BoardWorker::Run(const TrackerMessage::Run& run, std::stop_token stop) {
  Put({run, std::move(stop), {}});
}

void BoardWorker::Apply(TrackerMessage::Remedy::Kind kind) { Put({std::nullopt, {}, kind}); }

void BoardWorker::SetRuler(double canary) {
  const std::lock_guard lock(mutex_);
  ruler_ = canary;
}

// False: the worker is leaving, or `stop` was requested.
bool BoardWorker::RestFor(milliseconds time, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, time, [this] { return leaving_; });
  return !leaving_ && !stop.stop_requested();
}

// Nothing: a canary is due, or the worker is leaving.
std::optional<BoardWorker::Order> BoardWorker::Next() {
  std::unique_lock lock(mutex_);
  const auto ready = [this] { return leaving_ || !orders_.empty(); };
  if (counted_) {
    changed_.wait(lock, ready);
  } else {
    changed_.wait_until(lock, watch_.Due(), ready);
  }
  if (orders_.empty()) return std::nullopt;
  Order order = std::move(orders_.front());
  orders_.pop_front();
  return order;
}

void BoardWorker::Work() {
  for (bool joined = false; !joined;) {
    joined = Join();
    {
      const std::lock_guard lock(mutex_);
      tried_ = true;
    }
    around_.tried();
    if (!joined && !RestFor(kRetryBoard, {})) break;
  }
  for (;;) {
    const std::optional<Order> order = Next();
    if (order && order->run) {
      Serve(*order->run, order->stop);
    } else if (order) {
      ApplyNow(order->remedy);
    } else if (leave_.stop_requested()) {
      break;
    }
    // Before the next run: a batch ends with its canary.
    if (!counted_ && Clock::now() >= watch_.Due()) Look(leave_.get_token()).IgnoreError();
  }
  executor_->End();
}

bool BoardWorker::Join() {
  absl::Status status = executor_->AwaitReady(leave_.get_token(), kFirstWords);
  if (status.ok() && !canary_) {
    auto canary = Canary::For(board_.device);
    status = canary.status();
    if (canary.ok()) canary_ = *std::move(canary);
  }
  if (status.ok()) status = Look(leave_.get_token()).status();
  if (status.ok()) {
    Offered();
    return true;
  }
  if (!leave_.stop_requested()) {
    around_.log.Error("board_unreachable",
                      {{"board", board_.name},
                       {"why", std::string(status.message())},
                       {"tried_again_in_seconds", kRetryBoard.count() / 1000}});
  }
  return false;
}

void BoardWorker::Offered() {
  farm::v1::BoardOffer offer;
  offer.set_name(board_.name);
  offer.set_device(board_.device.id);
  offer.set_kind(std::string(BoardKindName(board_.device.board_kind())));
  for (const std::string& tag : board_.tags) offer.add_tags(tag);
  offer.set_environment(executor_->environment());
  offer.set_hardware(JsonText(DeviceSnapshot(board_.device)));
  if (const auto facts = executor_->facts()) offer.set_facts(JsonText(*facts));
  around_.log.Info("board_ready", {{"board", board_.name},
                                   {"device", board_.device.id},
                                   {"canary", counted_ ? cycles_ : watch_.figure()},
                                   {"environment", executor_->environment()}});
  const std::lock_guard lock(mutex_);
  offer_ = std::move(offer);
}

// ---- runs

void BoardWorker::Serve(const TrackerMessage::Run& run, const std::stop_token& stop) {
  const auto began = Clock::now();
  AgentMessage message;
  *message.mutable_run_done() = Done(run, stop);
  const AgentMessage::RunDone& done = message.run_done();
  around_.book.Finish(done);
  watch_.RunEnded(Clock::now());
  const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - began);
  around_.log.Info("run_done", {{"board", board_.name},
                                {"request", run.lease().request()},
                                {"epoch", run.lease().epoch()},
                                {"status", done.result().status()},
                                {"message", done.result().message()},
                                {"lost", done.infrastructure_loss()},
                                {"ms", took.count()}});
  around_.send(std::move(message));
}

AgentMessage::RunDone BoardWorker::Done(const TrackerMessage::Run& run,
                                        const std::stop_token& stop) {
  const farm::v1::Lease& lease = run.lease();
  const auto lease_ends =
      Clock::now() + milliseconds(std::clamp<uint64_t>(lease.time_limit_ms(), 1'000,
                                                       uint64_t(kLongestDeadline.count())));
  auto job = CheckJob(run.job(), board_.device);
  RunOutcome outcome;
  milliseconds on_board{0};
  std::vector<ArtifactCache::Pin> pins;
  if (absl::IsInvalidArgument(job.status())) {
    outcome.status = RunStatus::kRejected;
    outcome.message = OneLine(std::string(job.status().message()));
  } else if (!job.ok()) {
    return Loss(lease, OneLine(std::string(job.status().message())));
  } else if (absl::Status s = Bring(*job, stop, lease_ends, &pins); !s.ok()) {
    return Loss(lease, stop.stop_requested() ? "stopped" : OneLine(std::string(s.message())));
  } else if (absl::Status fits = CheckArtifacts(*job); absl::IsInvalidArgument(fits)) {
    outcome.status = RunStatus::kRejected;
    outcome.message = OneLine(std::string(fits.message()));
  } else if (!fits.ok()) {
    return Loss(lease, OneLine(std::string(fits.message())));
  } else {
    const auto begin = Clock::now();
    outcome = RunHeld(*job, stop);
    on_board = std::chrono::ceil<milliseconds>(Clock::now() - begin);
  }
  if (stop.stop_requested()) return Loss(lease, "stopped");
  std::string reply = JsonText(outcome.reply);
  if (reply.size() > kMostReplyBytes) {
    outcome = ReplyTooLarge();
    reply = JsonText(outcome.reply);
  }
  AgentMessage::RunDone done;
  *done.mutable_lease() = lease;
  done.set_infrastructure_loss(IsInfrastructureLoss(outcome.status));
  farm::v1::JobResult& result = *done.mutable_result();
  result.set_status(std::string(RunStatusName(outcome.status)));
  result.set_message(outcome.message);
  result.set_reply(std::move(reply));
  result.set_board(board_.name);
  result.set_environment(executor_->environment());
  result.set_ruler(RulerFactor());
  result.set_drift(counted_ ? 1.0 : watch_.drift());
  result.set_board_ms(static_cast<uint64_t>(on_board.count()));
  return done;
}

// Puts this machine's paths in the place of the digests.
absl::Status BoardWorker::Bring(CheckedJob& job, const std::stop_token& stop,
                                Clock::time_point deadline, std::vector<ArtifactCache::Pin>* pins) {
  std::map<std::string, std::string> paths;
  for (const auto& [digest, size] : job.artifacts) {
    farm::v1::Artifact artifact;
    artifact.set_sha256(DigestBytes(digest));
    artifact.set_size(size);
    auto pin =
        around_.cache.Get(digest, size, [&] { return around_.fetch(artifact, stop, deadline); });
    if (!pin.ok()) return pin.status();
    paths[digest] = **pin;
    pins->push_back(*std::move(pin));
  }
  for (CandidateSpec& candidate : job.request.candidates) {
    candidate.artifact_path = paths.at(candidate.artifact_path);
  }
  return absl::OkStatus();
}

// Here, for all kinds of boards alike, and before one is touched.
absl::Status BoardWorker::CheckArtifacts(const CheckedJob& job) const {
  for (const CandidateSpec& candidate : job.request.candidates) {
    absl::Status s = CheckArtifactFile(candidate.artifact_path, board_.device.triplet);
    if (!s.ok()) return s;
  }
  return absl::OkStatus();
}

// A tracker leases a board for one run, so that a batch whose results could all be held back until
// its canary is a single run: on a board that holds, each has its own.
RunOutcome BoardWorker::RunHeld(const CheckedJob& job, const std::stop_token& stop) {
  for (int run = 1;; ++run) {
    RunOutcome outcome = executor_->RunUntil(stop, job.request, job.deadline);
    if (!board_.hold || counted_ || outcome.status != RunStatus::kOk) return outcome;
    const auto verdict = Look(stop);
    const bool drifted = verdict.ok() && *verdict != CanaryVerdict::kGood;
    if (!drifted || run == kMostHeldRuns) return outcome;
    around_.log.Warn("measured_again", {{"board", board_.name}, {"drift", watch_.drift()}});
    if (*verdict == CanaryVerdict::kCooling && !RestFor(policy_.cooling, stop)) return outcome;
  }
}

}  // namespace halyard
