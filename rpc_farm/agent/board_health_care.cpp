// A worker's care of its board: remedies that the tracker orders, and the canary.
#include "rpc_farm/agent/board_worker.h"
#include "rpc_farm/runner_outcome.h"

namespace halyard {

using Clock = std::chrono::steady_clock;
using farm::v1::AgentMessage;
using farm::v1::TrackerMessage;

void BoardWorker::ApplyNow(TrackerMessage::Remedy::Kind kind) {
  absl::Status status;
  if (kind == TrackerMessage::Remedy::PROVE) {
    const auto verdict = Look(leave_.get_token());
    status = verdict.status();
    if (verdict.ok() && *verdict == CanaryVerdict::kCooling && !board_.shared) {
      status = absl::UnavailableError("the reference kernel takes too long");
    }
  } else {
    const bool reset = kind == TrackerMessage::Remedy::RESET;
    const std::string& command = reset ? board_.reset : board_.power;
    if (command.empty()) {
      status = absl::NotFoundError(reset ? "the boards file has no reset command for it"
                                         : "the boards file has no power command for it");
    } else {
      status = executor_->Command(leave_.get_token(), command, board_.command_limit);
      // Whatever was open to the board as it was is of no use any more.
      executor_->End();
    }
  }
  AgentMessage message;
  AgentMessage::RemedyDone& done = *message.mutable_remedy_done();
  done.set_board(board_.name);
  done.set_good(status.ok());
  done.set_message(OneLine(std::string(status.message())));
  around_.log.Info("remedy_done", {{"board", board_.name},
                                   {"remedy", TrackerMessage::Remedy::Kind_Name(kind)},
                                   {"good", status.ok()},
                                   {"message", done.message()}});
  around_.send(std::move(message));
}

absl::StatusOr<CanaryVerdict> BoardWorker::Look(const std::stop_token& stop) {
  for (;;) {
    const auto figure =
        canary_->Judge(executor_->RunUntil(stop, canary_->request(), kCanaryDeadline));
    answers_wrong_ = absl::IsDataLoss(figure.status());
    if (!figure.ok()) {
      watch_.Missed(Clock::now());
      if (stop.stop_requested()) return figure.status();
      around_.log.Warn("canary_failed",
                       {{"board", board_.name}, {"why", std::string(figure.status().message())}});
      if (answers_wrong_) Tell();
      return figure.status();
    }
    cycles_ = *figure;
    // What is counted repeats exactly: there is nothing to watch.
    const CanaryVerdict verdict =
        counted_ ? CanaryVerdict::kGood : watch_.Take(*figure, Clock::now());
    if (verdict == CanaryVerdict::kAgain) continue;
    Tell();
    return verdict;
  }
}

void BoardWorker::Tell() {
  AgentMessage message;
  AgentMessage::BoardReport& report = *message.mutable_board_report();
  report.set_board(board_.name);
  report.set_canary_ns(counted_ ? cycles_ : watch_.figure());
  report.set_drift(counted_ ? 1.0 : watch_.drift());
  // One that computes wrongly is not to be given work either.
  report.set_cooling((watch_.cooling() && !board_.shared) || answers_wrong_);
  report.set_environment(executor_->environment());
  if (watch_.drift() > policy_.noticed) {
    around_.log.Warn(
        "drift",
        {{"board", board_.name}, {"drift", watch_.drift()}, {"cooling", report.cooling()}});
  }
  {
    const std::lock_guard lock(mutex_);
    report_ = report;
  }
  around_.send(std::move(message));
}

double BoardWorker::RulerFactor() const {
  if (counted_) return 1;
  if (!watch_.baseline()) return 0;
  const std::lock_guard lock(mutex_);
  return (ruler_ > 0 ? ruler_ : *watch_.baseline()) / watch_.figure();
}

}  // namespace halyard
