#include "rpc_farm/tracker/tracker.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"

namespace halyard {

using farm::v1::RequestResult;
using farm::v1::SubmitReply;
using farm::v1::SubmitRequest;
using farm::v1::TrackerMessage;

std::string KindTag(const std::string& kind) { return "kind:" + kind; }

namespace {

// The longest a lease may last: what hangs for longer hangs for ever.
constexpr uint64_t kMostLeaseMs = 3'600'000;

absl::Status CheckSubmit(const SubmitRequest& submit) {
  if (submit.device().empty()) return absl::InvalidArgumentError("device: is missing");
  if (submit.time_limit_ms() == 0 || submit.time_limit_ms() > kMostLeaseMs) {
    return absl::InvalidArgumentError(
        fmt::format("time_limit_ms: is {}, must be 1 to {}", submit.time_limit_ms(), kMostLeaseMs));
  }
  for (const std::string& tag : submit.tags()) {
    if (tag.empty() || tag.find_first_of(" :") != std::string::npos) {
      return absl::InvalidArgumentError(
          fmt::format("tags: '{}' is none: a tag has no blank and no colon", tag));
    }
  }
  if (submit.board_kind().find_first_of(" :") != std::string::npos) {
    return absl::InvalidArgumentError(fmt::format(
        "board_kind: '{}' is none: a kind has no blank and no colon", submit.board_kind()));
  }
  if (submit.job().run_request().size() > kMostRunRequestBytes) {
    return absl::ResourceExhaustedError(fmt::format("job.run_request: has {} bytes, at most {}",
                                                    submit.job().run_request().size(),
                                                    kMostRunRequestBytes));
  }
  if (submit.job().artifacts_size() > kMostArtifactsPerJob) {
    return absl::ResourceExhaustedError(fmt::format(
        "job.artifacts: are {}, at most {}", submit.job().artifacts_size(), kMostArtifactsPerJob));
  }
  for (const farm::v1::Artifact& artifact : submit.job().artifacts()) {
    if (artifact.sha256().size() != 32) {
      return absl::InvalidArgumentError("job.artifacts: a digest has 32 bytes");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Tracker::Restore(FarmTime now) {
  figures_.started = now;
  auto stored = store_.Load();
  if (!stored.ok()) return stored.status();
  rulers_ = stored->rulers;
  std::map<std::string, std::set<uint64_t>> live;
  for (const FarmMemory::Request& r : stored->farm.requests) {
    const size_t slash = r.request.id.rfind('/');
    Request& request = requests_[r.request.id];
    request.session = r.request.id.substr(0, slash);
    if (!absl::SimpleAtoi(r.request.id.substr(slash + 1), &request.number)) {
      return absl::DataLossError("the tracker's state names a request " + r.request.id);
    }
    request.submitted = request.began = now;
    live[request.session].insert(request.number);
    request.ended =
        r.status.state != RequestState::kQueued && r.status.state != RequestState::kRunning;
    if (request.ended) continue;
    of_user_[r.request.user]++;
    farm::v1::Job job;
    if (!job.ParseFromString(r.request.payload)) continue;
    for (const farm::v1::Artifact& artifact : job.artifacts()) {
      const std::string digest = absl::BytesToHexString(artifact.sha256());
      if (artifacts_.Pin(digest)) request.pinned.push_back(digest);
    }
  }
  for (const StoredSession& s : stored->sessions) sessions_.Restore(s, live[s.id], now);
  scheduler_.Restore(stored->farm, now);
  return absl::OkStatus();
}

// ---- clients

absl::StatusOr<std::string> Tracker::OpenSession(const std::string& user, const std::string& label,
                                                 FarmTime now) {
  if (user.empty()) return absl::InvalidArgumentError("user: is missing");
  const auto session = sessions_.Open(user, label, now);
  if (!session.ok()) return session.status();
  changed_sessions_.insert(session->id);
  return session->id;
}

absl::StatusOr<SubmitReply> Tracker::Submit(const std::string& caller, const SubmitRequest& submit,
                                            FarmTime now) {
  if (absl::Status s = sessions_.Check(caller, submit.session()); !s.ok()) return s;
  const std::string& user = sessions_.Find(submit.session())->user;
  if (absl::Status s = sessions_.CheckNew(submit.session(), submit.number()); !s.ok()) {
    if (absl::IsFailedPrecondition(s)) figures_.replays++;
    return s;
  }
  if (absl::Status s = CheckSubmit(submit); !s.ok()) return s;
  if (const auto at = of_user_.find(user);
      at != of_user_.end() && at->second >= kMostRequestsPerUser) {
    return absl::ResourceExhaustedError(
        fmt::format("{} has {} requests in the farm, the most a user may have; {}", user,
                    at->second, kPassingLimit));
  }
  SubmitReply reply;
  Request request{submit.session(), submit.number(), now, {}, {}, false};
  for (const farm::v1::Artifact& artifact : submit.job().artifacts()) {
    const std::string digest = absl::BytesToHexString(artifact.sha256());
    if (artifacts_.Pin(digest)) {
      request.pinned.push_back(digest);
    } else {
      reply.add_missing(artifact.sha256());
    }
  }
  FarmRequest wanted;
  wanted.id = RequestId(submit.session(), submit.number());
  wanted.user = user;
  wanted.priority = submit.priority();
  wanted.device = submit.device();
  wanted.tags.insert(submit.tags().begin(), submit.tags().end());
  if (!submit.board_kind().empty()) wanted.tags.insert(KindTag(submit.board_kind()));
  wanted.payload = submit.job().SerializeAsString();
  wanted.time_limit = FarmDuration(submit.time_limit_ms());
  const absl::Status queued =
      reply.missing_size() > 0 ? absl::OkStatus() : scheduler_.Submit(wanted, now);
  if (!queued.ok() || reply.missing_size() > 0) {
    Unpin(request);
    if (!queued.ok()) return queued;
    return reply;
  }
  reply.set_boards(scheduler_.BoardsFor(wanted));
  sessions_.Add(submit.session(), submit.number());
  requests_[wanted.id] = std::move(request);
  of_user_[user]++;
  figures_.submitted++;
  return reply;
}

absl::Status Tracker::Acknowledge(const std::string& user,
                                  const farm::v1::AcknowledgeRequest& acknowledge) {
  if (absl::Status s = sessions_.Check(user, acknowledge.session()); !s.ok()) return s;
  for (const uint64_t number : acknowledge.numbers()) {
    const std::string id = RequestId(acknowledge.session(), number);
    const auto request = requests_.find(id);
    if (request == requests_.end() || !request->second.ended) continue;  // not yet, or any more
    if (!sessions_.Acknowledge(acknowledge.session(), number)) continue;
    changed_sessions_.insert(acknowledge.session());
    Drop(id);
  }
  return absl::OkStatus();
}

absl::Status Tracker::Cancel(const std::string& user, const farm::v1::CancelRequest& cancel,
                             FarmTime now) {
  if (absl::Status s = sessions_.Check(user, cancel.session()); !s.ok()) return s;
  for (const uint64_t number : cancel.numbers()) {
    const std::string id = RequestId(cancel.session(), number);
    const auto status = scheduler_.StatusOf(id);
    if (cancel.queued_only() && status && status->state == RequestState::kRunning) continue;
    // One that is not known ended long ago.
    (void)scheduler_.Cancel(id, now);
  }
  return absl::OkStatus();
}

absl::Status Tracker::CloseSession(const std::string& user, const std::string& session,
                                   FarmTime now) {
  if (absl::Status s = sessions_.Check(user, session); !s.ok()) return s;
  EndSession(session, now);
  return absl::OkStatus();
}

absl::StatusOr<std::string> Tracker::OwnerOf(const std::string& user,
                                             const std::string& session) const {
  if (absl::Status s = sessions_.Check(user, session); !s.ok()) return s;
  return sessions_.Find(session)->user;
}

absl::Status Tracker::Attach(const std::string& user, const std::string& session) {
  if (absl::Status s = sessions_.Check(user, session); !s.ok()) return s;
  sessions_.Attach(session);
  for (const uint64_t number : sessions_.Live(session)) {
    const std::string id = RequestId(session, number);
    // One whose end is yet to be carried out is told then.
    if (requests_.at(id).ended) output_.to_clients.push_back({session, ResultOf(id)});
  }
  return absl::OkStatus();
}

// Its requests end in Settle, when they are no session's any more.
void Tracker::EndSession(const std::string& session, FarmTime now) {
  const std::set<uint64_t> live = sessions_.Live(session);
  sessions_.Close(session);
  store_.EraseSession(session);
  changed_sessions_.erase(session);
  for (const uint64_t number : live) {
    const std::string id = RequestId(session, number);
    if (requests_.at(id).ended) {
      Drop(id);
    } else {
      (void)scheduler_.Cancel(id, now);
    }
  }
}

void Tracker::Unpin(Request& request) {
  for (const std::string& digest : request.pinned) artifacts_.Unpin(digest);
  request.pinned.clear();
}

void Tracker::Drop(const std::string& id) {
  scheduler_.Forget(id);
  requests_.erase(id);
  store_.EraseRequest(id);
}

RequestResult Tracker::ResultOf(const std::string& id) const {
  const RequestStatus status = scheduler_.StatusOf(id).value();
  RequestResult result;
  result.set_number(requests_.at(id).number);
  result.set_losses(static_cast<uint32_t>(status.losses));
  if (status.state == RequestState::kDone) {
    result.set_end(RequestResult::DONE);
    result.mutable_result()->ParseFromString(status.result);
  } else {
    result.set_end(status.state == RequestState::kLost ? RequestResult::LOST
                                                       : RequestResult::CANCELLED);
    result.set_why(status.result);
  }
  return result;
}

// ---- what comes of it

TrackerMessage& Tracker::ToAgent(SessionId session) {
  output_.to_agents.push_back({session, {}});
  return output_.to_agents.back().message;
}

void Tracker::End(const std::string& id, FarmTime now) {
  Request& request = requests_.at(id);
  request.ended = true;
  Unpin(request);
  const RequestState state = scheduler_.StatusOf(id)->state;
  if (const auto user = of_user_.find(scheduler_.Find(id)->user); user != of_user_.end()) {
    if (--user->second == 0) of_user_.erase(user);
  }
  if (state == RequestState::kDone) figures_.AddDone(now);
  if (state == RequestState::kLost) figures_.lost++;
  if (state == RequestState::kCancelled) figures_.cancelled++;
  if (sessions_.Find(request.session) == nullptr) return Drop(id);
  if (sessions_.attached(request.session)) {
    output_.to_clients.push_back({request.session, ResultOf(id)});
  }
}

void Tracker::Carry(const FarmOrder& order, FarmTime now) {
  if (order.kind == FarmOrder::Kind::kEnded) return End(order.lease.request, now);
  if (order.kind == FarmOrder::Kind::kRemedy) {
    auto* remedy = ToAgent(order.session).mutable_remedy();
    remedy->set_board(order.lease.board);
    remedy->set_kind(order.remedy == Remedy::kReset        ? TrackerMessage::Remedy::RESET
                     : order.remedy == Remedy::kPowerCycle ? TrackerMessage::Remedy::POWER_CYCLE
                                                           : TrackerMessage::Remedy::PROVE);
    return;
  }
  TrackerMessage& message = ToAgent(order.session);
  farm::v1::Lease* lease = order.kind == FarmOrder::Kind::kRun
                               ? message.mutable_run()->mutable_lease()
                               : message.mutable_stop()->mutable_lease();
  lease->set_board(order.lease.board);
  lease->set_request(order.lease.request);
  lease->set_epoch(order.lease.epoch);
  lease->set_time_limit_ms(static_cast<uint64_t>(order.lease.time_limit.count()));
  if (order.kind != FarmOrder::Kind::kRun) return;
  message.mutable_run()->mutable_job()->ParseFromString(
      scheduler_.Find(order.lease.request)->payload);
  Request& request = requests_.at(order.lease.request);
  if (request.began == FarmTime{}) {
    figures_.lease_wait.Add(
        std::chrono::duration<double, std::milli>(now - request.submitted).count());
  }
  request.began = now;
}

absl::StatusOr<TrackerOutput> Tracker::Settle(FarmTime now) {
  for (const std::string& session : sessions_.Expired(now)) EndSession(session, now);
  for (const FarmOrder& order : scheduler_.Advance(now)) Carry(order, now);
  RecallRefused();
  figures_.losses = scheduler_.losses();
  const Scheduler::Changes changes = scheduler_.TakeChanges();
  for (const std::string& id : changes.requests) {
    FarmMemory::Request stored{*scheduler_.Find(id), *scheduler_.StatusOf(id), 0};
    if (stored.status.state == RequestState::kRunning) {
      stored.epoch = scheduler_.MemoryOf(stored.status.board).epoch;
    }
    store_.PutRequest(stored);
  }
  for (const std::string& board : changes.boards) {
    store_.PutBoard(board, scheduler_.MemoryOf(board));
  }
  for (const std::string& session : std::exchange(changed_sessions_, {})) {
    store_.PutSession(*sessions_.Find(session));
  }
  if (absl::Status s = store_.Commit(); !s.ok()) return s;
  return std::exchange(output_, {});
}

FarmTime Tracker::NextDeadline() const {
  return std::min(scheduler_.NextDeadline(), sessions_.NextExpiry());
}

}  // namespace halyard
