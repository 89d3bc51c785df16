#include "rpc_farm/agent/lease_book.h"

#include <fmt/format.h>

#include "rpc_farm/run_status.h"

namespace halyard {

using RunDone = farm::v1::AgentMessage::RunDone;

RunDone Loss(const farm::v1::Lease& lease, const std::string& why) {
  RunDone done;
  *done.mutable_lease() = lease;
  done.set_infrastructure_loss(true);
  done.mutable_result()->set_status(std::string(RunStatusName(RunStatus::kInfra)));
  done.mutable_result()->set_message(why);
  done.mutable_result()->set_board(lease.board());
  return done;
}

// The request is part of it: a tracker that has lost its store begins its epochs anew.
std::string LeaseBook::KeyOf(const farm::v1::Lease& lease) {
  return fmt::format("{}\n{}\n{}", lease.board(), lease.epoch(), lease.request());
}

LeaseBook::Verdict LeaseBook::Begin(const farm::v1::Lease& lease) {
  const std::lock_guard lock(mutex_);
  const std::string key = KeyOf(lease);
  if (boards_.count(lease.board()) == 0) {
    return {std::nullopt, Loss(lease, "no such board beside this agent")};
  }
  if (const auto at = done_.find(key); at != done_.end()) return {std::nullopt, at->second};
  if (const auto at = running_.find(lease.board()); at != running_.end()) {
    if (KeyOf(at->second.lease) == key) return {};
    return {std::nullopt, Loss(lease, "the board is at the run of another lease")};
  }
  if (const auto at = taken_.find(lease.board()); at != taken_.end() && at->second == key) {
    return {std::nullopt, Loss(lease, "the lease has been served: a replay")};
  }
  if (leaving_) return {std::nullopt, Loss(lease, "the agent is leaving")};
  Running& running = running_[lease.board()];
  running.lease = lease;
  return {running.stop.get_token(), std::nullopt};
}

void LeaseBook::Finish(const RunDone& done) {
  const std::lock_guard lock(mutex_);
  running_.erase(done.lease().board());
  done_[KeyOf(done.lease())] = done;
}

std::optional<RunDone> LeaseBook::Stop(const farm::v1::Lease& lease) {
  std::stop_source stop(std::nostopstate);
  {
    const std::lock_guard lock(mutex_);
    const std::string key = KeyOf(lease);
    if (const auto at = done_.find(key); at != done_.end()) return at->second;
    const auto at = running_.find(lease.board());
    if (at == running_.end() || KeyOf(at->second.lease) != key) {
      return Loss(lease, "nothing runs under this lease");
    }
    stop = at->second.stop;
  }
  // Not under the lock: what waits for the stop is called from here.
  stop.request_stop();
  return std::nullopt;
}

void LeaseBook::StopAll() {
  std::vector<std::stop_source> stops;
  {
    const std::lock_guard lock(mutex_);
    leaving_ = true;
    for (const auto& [board, running] : running_) stops.push_back(running.stop);
  }
  for (std::stop_source& stop : stops) stop.request_stop();
}

void LeaseBook::Taken(const farm::v1::Lease& lease) {
  const std::lock_guard lock(mutex_);
  if (done_.erase(KeyOf(lease)) > 0) taken_[lease.board()] = KeyOf(lease);
}

std::vector<farm::v1::Lease> LeaseBook::Open() const {
  const std::lock_guard lock(mutex_);
  std::vector<farm::v1::Lease> open;
  for (const auto& [board, running] : running_) open.push_back(running.lease);
  for (const auto& [key, done] : done_) open.push_back(done.lease());
  return open;
}

std::vector<RunDone> LeaseBook::Untaken() const {
  const std::lock_guard lock(mutex_);
  std::vector<RunDone> untaken;
  for (const auto& [key, done] : done_) untaken.push_back(done);
  return untaken;
}

bool LeaseBook::settled() const {
  const std::lock_guard lock(mutex_);
  return running_.empty() && done_.empty();
}

}  // namespace halyard
