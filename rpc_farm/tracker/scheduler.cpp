#include "rpc_farm/tracker/scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace halyard {
namespace {

double Seconds(FarmClock::duration d) { return std::chrono::duration<double>(d).count(); }

bool HasEnded(RequestState s) { return s != RequestState::kQueued && s != RequestState::kRunning; }

}  // namespace

bool Scheduler::Fits(const FarmRequest& request, const BoardSpec& board) {
  return request.device == board.device && std::includes(board.tags.begin(), board.tags.end(),
                                                         request.tags.begin(), request.tags.end());
}

bool Scheduler::CanWork(const Board& board) {
  return !board.lost && board.session != kNoSession && !board.lease && board.stopping.empty();
}

// ---- requests

absl::Status Scheduler::Submit(const FarmRequest& request, FarmTime) {
  if (request.id.empty()) return absl::InvalidArgumentError("the request has no id");
  if (request.device.empty()) return absl::InvalidArgumentError("the request names no device");
  if (request.time_limit <= FarmDuration::zero()) {
    return absl::InvalidArgumentError("the request's time limit must be positive");
  }
  const auto [at, is_new] = requests_.try_emplace(request.id, Request{request, {}});
  if (!is_new) return absl::AlreadyExistsError("request " + request.id + " is known");
  shares_.Enter(request.user);
  queues_[request.device].Push(request, /*first=*/false);
  changes_.requests.insert(request.id);
  return absl::OkStatus();
}

absl::Status Scheduler::Cancel(const std::string& id, FarmTime now) {
  const auto at = requests_.find(id);
  if (at == requests_.end()) return absl::NotFoundError("no request " + id);
  Request& request = at->second;
  if (request.status.state == RequestState::kQueued) {
    queues_[request.request.device].Remove(request.request);
  } else if (request.status.state == RequestState::kRunning) {
    EndLease(boards_.at(request.status.board), now);
  }
  if (!HasEnded(request.status.state)) End(request, RequestState::kCancelled, "cancelled");
  return absl::OkStatus();
}

void Scheduler::Forget(const std::string& id) {
  const auto at = requests_.find(id);
  if (at != requests_.end() && HasEnded(at->second.status.state)) requests_.erase(at);
}

void Scheduler::End(Request& request, RequestState state, const std::string& result) {
  request.status.state = state;
  request.status.result = result;
  request.request.payload.clear();  // nobody runs it any more
  changes_.requests.insert(request.request.id);
  shares_.Leave(request.request.user);
  FarmOrder order;
  order.kind = FarmOrder::Kind::kEnded;
  order.lease.request = request.request.id;
  orders_.push_back(std::move(order));
}

void Scheduler::Requeue(Request& request, const std::string& why) {
  if (request.status.losses++ >= kMostRequeues) {
    return End(request, RequestState::kLost,
               fmt::format("lost {} times, the last: {}", request.status.losses, why));
  }
  request.status.state = RequestState::kQueued;
  request.status.board.clear();
  changes_.requests.insert(request.request.id);
  queues_[request.request.device].Push(request.request, /*first=*/true);
}

// ---- leases

// The board is told to stop, and free once it has.
void Scheduler::EndLease(Board& board, FarmTime now) {
  const auto at = requests_.find(board.lease->request);
  if (at != requests_.end()) {
    shares_.Charge(at->second.request.user, Seconds(now - board.lease_began));
  }
  if (board.session != kNoSession) {
    board.stopping.insert(board.lease->epoch);
    FarmOrder stop;
    stop.kind = FarmOrder::Kind::kStop;
    stop.session = board.session;
    stop.lease = *board.lease;
    orders_.push_back(std::move(stop));
  }
  board.lease.reset();
}

// The run under its lease, if any, is lost by the board's fault.
void Scheduler::Lose(Board& board, const std::string& why, FarmTime now) {
  board.health.Fail(now, why);
  changes_.boards.insert(board.spec.name);
  if (!board.lease) return;
  ++board.losses;
  ++losses_;
  Request& request = requests_.at(board.lease->request);
  EndLease(board, now);
  Requeue(request, fmt::format("board {}: {}", board.spec.name, why));
}

absl::Status Scheduler::Finish(SessionId session, const Lease& lease, RunEnd end,
                               const std::string& result, FarmTime now) {
  const auto at = boards_.find(lease.board);
  if (at == boards_.end() || at->second.session != session) {
    return absl::FailedPreconditionError(
        fmt::format("board {} is not one of this connection", lease.board));
  }
  Board& board = at->second;
  board.stopping.erase(lease.epoch);
  board.returns = 0;
  if (!board.lease || board.lease->epoch != lease.epoch || board.lease->request != lease.request) {
    return absl::FailedPreconditionError(
        fmt::format("the lease of epoch {} on board {} has ended", lease.epoch, lease.board));
  }
  Request& request = requests_.at(lease.request);
  if (end == RunEnd::kInfraLoss) {
    Lose(board, result, now);
  } else {
    EndLease(board, now);
    End(request, RequestState::kDone, result);
  }
  // It has stopped by itself: there is nothing to stop.
  board.stopping.erase(lease.epoch);
  std::erase_if(orders_, [&](const FarmOrder& o) {
    return o.kind == FarmOrder::Kind::kStop && o.lease.board == lease.board &&
           o.lease.epoch == lease.epoch;
  });
  return absl::OkStatus();
}

void Scheduler::Assign(Board& board, FarmTime now) {
  const auto queue = queues_.find(board.spec.device);
  if (queue == queues_.end()) return;
  const std::string id = queue->second.Pop(shares_, [&](const std::string& candidate) {
    return Fits(requests_.at(candidate).request, board.spec);
  });
  if (id.empty()) return;
  Request& request = requests_.at(id);
  request.status.state = RequestState::kRunning;
  request.status.board = board.spec.name;
  board.lease = Lease{board.spec.name, id, ++board.epoch, request.request.time_limit};
  board.lease_began = now;
  board.lease_ends = now + request.request.time_limit;
  board.served = ++served_;
  changes_.requests.insert(id);
  changes_.boards.insert(board.spec.name);
  FarmOrder run;
  run.session = board.session;
  run.lease = *board.lease;
  orders_.push_back(std::move(run));
}

// ---- time

std::vector<FarmOrder> Scheduler::Advance(FarmTime now) {
  std::vector<Board*> idle;
  for (auto& [name, board] : boards_) {
    if (!board.lost && now - board.heard >= kBoardLostAfter) {
      board.lost = true;
      board.health.Interrupt(now);  // Lose() marks the change
      Lose(board, "its agent was not heard of for 30 seconds", now);
    } else if (board.lease && now >= board.lease_ends) {
      Lose(board, "its agent did not keep the time limit", now);
    }
    if (!CanWork(board)) continue;
    if (const auto remedy = board.health.Next(now)) {
      FarmOrder order;
      order.kind = FarmOrder::Kind::kRemedy;
      order.session = board.session;
      order.lease.board = name;
      order.remedy = *remedy;
      orders_.push_back(std::move(order));
    }
    if (board.health.fit() && !board.draining && !board.cooling) idle.push_back(&board);
  }
  std::sort(idle.begin(), idle.end(),
            [](const Board* a, const Board* b) { return a->served < b->served; });
  for (Board* board : idle) Assign(*board, now);
  return std::exchange(orders_, {});
}

FarmTime Scheduler::NextDeadline() const {
  FarmTime next = FarmTime::max();
  for (const auto& [name, board] : boards_) {
    if (!board.lost) next = std::min(next, board.heard + kBoardLostAfter);
    if (board.lease) next = std::min(next, board.lease_ends);
    // One that cannot work is not tried again either: what changes that is an event of its own.
    const auto rest = board.health.rest_until();
    if (rest && CanWork(board)) next = std::min(next, *rest);
  }
  return next;
}

// ---- status

std::optional<RequestStatus> Scheduler::StatusOf(const std::string& id) const {
  const auto at = requests_.find(id);
  if (at == requests_.end()) return std::nullopt;
  return at->second.status;
}

const FarmRequest* Scheduler::Find(const std::string& id) const {
  const auto at = requests_.find(id);
  return at == requests_.end() ? nullptr : &at->second.request;
}

Scheduler::Changes Scheduler::TakeChanges() {
  std::erase_if(changes_.requests, [&](const std::string& id) { return !requests_.contains(id); });
  return std::exchange(changes_, {});
}

FarmMemory::Board Scheduler::MemoryOf(const std::string& name) const {
  const Board& board = boards_.at(name);
  const bool fit = board.health.fit();
  return {board.epoch, board.draining, fit ? "" : board.health.why(), !fit && board.health.held()};
}

std::vector<BoardStatus> Scheduler::Boards() const {
  std::vector<BoardStatus> all;
  for (const auto& [name, b] : boards_) {
    std::string health = b.draining ? "draining, " : "";
    if (!b.lost && b.cooling) health += "cooling down, ";
    health += b.lost ? "lost" : b.health.Text();
    all.push_back(
        {b.spec, b.agent, b.session, health, !b.lost, b.cooling, b.lease, b.epoch, b.losses});
  }
  return all;
}

size_t Scheduler::queued() const {
  size_t n = 0;
  for (const auto& [device, queue] : queues_) n += queue.size();
  return n;
}

bool Scheduler::IsHeld(const std::string& board) const {
  const auto at = boards_.find(board);
  return at != boards_.end() && !at->second.lost && !at->second.agent.empty();
}

int Scheduler::BoardsFor(const FarmRequest& request) const {
  return static_cast<int>(std::count_if(boards_.begin(), boards_.end(), [&](const auto& entry) {
    return !entry.second.lost && Fits(request, entry.second.spec);
  }));
}

}  // namespace halyard
