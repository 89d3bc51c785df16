// One board of an agent: a thread that takes the board's orders one after another, and its canary
// between them.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "farm.pb.h"
#include "rpc_farm/agent/artifact_cache.h"
#include "rpc_farm/agent/board_executor.h"
#include "rpc_farm/agent/boards_file.h"
#include "rpc_farm/agent/job_check.h"
#include "rpc_farm/agent/lease_book.h"
#include "rpc_farm/canary/canary.h"
#include "rpc_farm/canary/drift_watch.h"
#include "rpc_farm/farm_log.h"

namespace halyard {

// What a worker has around it. Everything here is thread-safe and outlives it.
struct WorkerSurroundings {
  LeaseBook& book;
  ArtifactCache& cache;
  const FarmLog& log;
  std::function<void(farm::v1::AgentMessage)> send;
  std::function<absl::StatusOr<std::string>(const farm::v1::Artifact&, const std::stop_token&,
                                            std::chrono::steady_clock::time_point)>
      fetch;
  // The board can be offered from now on, or it could not be reached for the first time.
  std::function<void()> tried;
};

class BoardWorker {
 public:
  // Starts what the executor needs, a board host as a rule, which is why workers are made before
  // gRPC is used: the first hosts then are not even beside its threads.
  BoardWorker(BoardEntry board, std::unique_ptr<BoardExecutor> executor,
              WorkerSurroundings surroundings, DriftPolicy policy);
  ~BoardWorker();

  void Start();
  // Stops what the worker is at but for leased runs, which the book stops; returns when its thread
  // and its host have ended.
  void Leave();
  void BeginToLeave();

  const BoardEntry& board() const { return board_; }
  bool tried() const;  // see WorkerSurroundings
  // Nothing: the board has not been reached yet.
  std::optional<farm::v1::BoardOffer> Offer() const;
  // Of the last canary; nothing before the first.
  std::optional<farm::v1::AgentMessage::BoardReport> Report() const;

  void Run(const farm::v1::TrackerMessage::Run& run, std::stop_token stop);
  void Apply(farm::v1::TrackerMessage::Remedy::Kind kind);
  // The device's ruler; 0: there is none yet, this board's baseline is.
  void SetRuler(double canary);

 private:
  struct Order {
    std::optional<farm::v1::TrackerMessage::Run> run;
    std::stop_token stop;  // of the run
    farm::v1::TrackerMessage::Remedy::Kind remedy{};
  };

  void Work();
  bool Join();
  void Offered();
  bool RestFor(std::chrono::milliseconds time, const std::stop_token& stop);
  void Put(Order order);
  std::optional<Order> Next();

  void Serve(const farm::v1::TrackerMessage::Run& run, const std::stop_token& stop);
  farm::v1::AgentMessage::RunDone Done(const farm::v1::TrackerMessage::Run& run,
                                       const std::stop_token& stop);
  absl::Status Bring(CheckedJob& job, const std::stop_token& stop,
                     std::chrono::steady_clock::time_point deadline,
                     std::vector<ArtifactCache::Pin>* pins);
  // InvalidArgument: one is not for a board of this device. REQUIRES: they were brought.
  absl::Status CheckArtifacts(const CheckedJob& job) const;
  RunOutcome RunHeld(const CheckedJob& job, const std::stop_token& stop);
  void ApplyNow(farm::v1::TrackerMessage::Remedy::Kind kind);

  absl::StatusOr<double> RunCanary(const std::stop_token& stop);
  // Canaries until it is known how the board is, which the tracker is told. Errors as of
  // Canary::Judge.
  absl::StatusOr<CanaryVerdict> Look(const std::stop_token& stop);
  void Tell();
  double RulerFactor() const;

  const BoardEntry board_;
  const bool counted_;  // a virtual board: its cycles cannot drift
  const WorkerSurroundings around_;
  const std::unique_ptr<BoardExecutor> executor_;
  const DriftPolicy policy_;
  std::optional<Canary> canary_;
  DriftWatch watch_;
  double cycles_ = 0;           // of the canary on a virtual board
  bool answers_wrong_ = false;  // as the last canary told

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Order> orders_;
  bool leaving_ = false, tried_ = false;
  std::stop_source leave_;
  double ruler_ = 0;
  std::optional<farm::v1::BoardOffer> offer_;
  std::optional<farm::v1::AgentMessage::BoardReport> report_;
  std::thread thread_;
};

}  // namespace halyard
