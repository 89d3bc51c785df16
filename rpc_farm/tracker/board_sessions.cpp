// The scheduler's side of agents that come, go and come back, of operators, and of restarts.
#include <fmt/format.h>

#include <algorithm>

#include "rpc_farm/tracker/scheduler.h"

namespace halyard {

void Scheduler::Restore(const FarmMemory& memory, FarmTime now) {
  for (const auto& [name, known] : memory.boards) {
    Board& board = boards_[name];
    board.spec.name = name;
    board.epoch = known.epoch;
    board.draining = known.draining;
    if (known.held) {
      board.health.Quarantine(known.quarantine);
    } else if (!known.quarantine.empty()) {
      board.health.Resume(known.quarantine);
    }
  }
  for (const FarmMemory::Request& m : memory.requests) {
    Request& request = requests_[m.request.id];
    request = {m.request, m.status};
    if (m.status.state != RequestState::kQueued && m.status.state != RequestState::kRunning) {
      continue;
    }
    shares_.Enter(m.request.user);
    if (m.status.state == RequestState::kQueued) {
      queues_[m.request.device].Push(m.request, /*first=*/false);
      continue;
    }
    Board& board = boards_[m.status.board];
    board.spec.name = m.status.board;
    board.epoch = std::max(board.epoch, m.epoch);
    board.lease = Lease{m.status.board, m.request.id, m.epoch, m.request.time_limit};
    board.lease_began = now;
    board.lease_ends = now + m.request.time_limit;
    board.lost = false;
    board.heard = now;
  }
}

std::vector<absl::Status> Scheduler::Connect(SessionId session, const std::string& agent,
                                             const std::vector<BoardSpec>& boards,
                                             const std::vector<Lease>& running, FarmTime now) {
  std::vector<absl::Status> statuses;
  for (const BoardSpec& spec : boards) {
    if (spec.name.empty() || spec.device.empty()) {
      statuses.push_back(absl::InvalidArgumentError("a board needs a name and a device"));
      continue;
    }
    Board& board = boards_[spec.name];
    // A board that was restored, or whose connection ended, waits for the agent that had it.
    const bool taken = !board.lost && !board.agent.empty() && board.agent != agent;
    if (taken || board.session == session) {
      statuses.push_back(absl::AlreadyExistsError(
          taken ? fmt::format("board {} is held by agent {}", spec.name, board.agent)
                : fmt::format("board {} is named twice", spec.name)));
      continue;
    }
    const bool works_on =
        board.lease && std::any_of(running.begin(), running.end(), [&](const Lease& lease) {
          return lease.board == spec.name && lease.epoch == board.lease->epoch;
        });
    const bool owes = std::any_of(running.begin(), running.end(),
                                  [&](const Lease& lease) { return lease.board == spec.name; });
    board.returns = owes ? board.returns + 1 : 0;
    const bool stuck = board.returns > kMostReturns;
    // Nobody is left in the session before to be told to stop.
    board.session = kNoSession;
    board.stopping.clear();
    if (board.lease && !works_on) Lose(board, "its agent came back without the run", now);
    if (stuck) {
      const std::string why = fmt::format(
          "its agent came back {} times without the end of the run, whose result may be "
          "too large to be sent",
          board.returns);
      if (board.lease) Lose(board, why, now);
      board.agent.clear();
      board.lost = true;
      changes_.boards.insert(spec.name);
      statuses.push_back(absl::ResourceExhaustedError(
          fmt::format("board {}: {}; restart the agent", spec.name, why)));
      continue;
    }
    board.health.Interrupt(now);
    board.spec = spec;
    board.agent = agent;
    board.session = session;
    board.heard = now;
    board.lost = board.cooling = false;
    changes_.boards.insert(spec.name);
    statuses.push_back(absl::OkStatus());
  }
  // A run that is no lease of its board any more is to be stopped before the board works again.
  for (const Lease& lease : running) {
    const auto at = boards_.find(lease.board);
    if (at == boards_.end() || at->second.session != session) continue;
    Board& board = at->second;
    if (board.lease && board.lease->epoch == lease.epoch) continue;
    board.stopping.insert(lease.epoch);
    FarmOrder stop;
    stop.kind = FarmOrder::Kind::kStop;
    stop.session = session;
    stop.lease = lease;
    orders_.push_back(std::move(stop));
  }
  return statuses;
}

void Scheduler::Heartbeat(SessionId session, FarmTime now) {
  for (auto& [name, board] : boards_) {
    if (board.session != session) continue;
    board.heard = now;
    board.lost = false;
  }
}

void Scheduler::Disconnect(SessionId session) {
  for (auto& [name, board] : boards_) {
    if (board.session != session) continue;
    board.session = kNoSession;
    board.stopping.clear();
  }
}

void Scheduler::RemedyDone(SessionId session, const std::string& name, bool good, FarmTime now) {
  const auto at = boards_.find(name);
  if (at == boards_.end() || at->second.session != session) return;
  at->second.health.Answer(good, now);
  changes_.boards.insert(name);
}

void Scheduler::Cool(SessionId session, const std::string& name, bool cooling) {
  const auto at = boards_.find(name);
  if (at != boards_.end() && at->second.session == session) at->second.cooling = cooling;
}

absl::Status Scheduler::Drain(const std::string& name) {
  const auto at = boards_.find(name);
  if (at == boards_.end()) return absl::NotFoundError("no board " + name);
  at->second.draining = true;
  changes_.boards.insert(name);
  return absl::OkStatus();
}

absl::Status Scheduler::Quarantine(const std::string& name, const std::string& why, FarmTime now) {
  const auto at = boards_.find(name);
  if (at == boards_.end()) return absl::NotFoundError("no board " + name);
  if (at->second.lease) Lose(at->second, "quarantined", now);
  at->second.health.Quarantine(why);
  changes_.boards.insert(name);
  return absl::OkStatus();
}

absl::Status Scheduler::Release(const std::string& name) {
  const auto at = boards_.find(name);
  if (at == boards_.end()) return absl::NotFoundError("no board " + name);
  at->second.draining = false;
  at->second.health.Release();
  changes_.boards.insert(name);
  return absl::OkStatus();
}

}  // namespace halyard
