// The tracker's side of agents: what they offer, report and finish; and what a person is shown.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "rpc_farm/tracker/tracker.h"

namespace halyard {

using farm::v1::AgentMessage;
using farm::v1::FarmStatus;

namespace {

Lease LeaseOf(const farm::v1::Lease& lease) {
  return {lease.board(), lease.request(), lease.epoch(), FarmDuration(lease.time_limit_ms())};
}

bool IsName(const std::string& text) {
  return !text.empty() && text.size() <= 128 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > ' ' && c < 127; });
}

}  // namespace

absl::Status Tracker::Connect(SessionId session, const std::string& agent,
                              const AgentMessage::Hello& hello, FarmTime now) {
  if (hello.protocol() != kFarmProtocolVersion) {
    return absl::FailedPreconditionError(
        fmt::format("the agent speaks protocol {}, this tracker {}: install the same version",
                    hello.protocol(), kFarmProtocolVersion));
  }
  if (!IsName(agent)) return absl::InvalidArgumentError("agent: a name has 1 to 128 letters");
  for (auto at = agents_.begin(); at != agents_.end();) {
    at = at->second.name == agent ? HangUp(at, "another connection of this agent began")
                                  : std::next(at);
  }
  std::vector<BoardSpec> specs;
  std::vector<Lease> running;
  for (const farm::v1::BoardOffer& offer : hello.boards()) {
    BoardSpec spec{offer.name(), offer.device(), {offer.tags().begin(), offer.tags().end()}};
    if (!IsName(spec.name)) spec.name.clear();
    spec.tags.insert(KindTag(offer.kind()));
    specs.push_back(std::move(spec));
  }
  for (const farm::v1::Lease& lease : hello.running()) running.push_back(LeaseOf(lease));
  const std::vector<absl::Status> verdicts =
      scheduler_.Connect(session, agent, specs, running, now);

  Agent& known = agents_[session];
  known.name = agent;
  auto* welcome = ToAgent(session).mutable_welcome();
  welcome->set_heartbeat_ms(static_cast<uint32_t>(kHeartbeatInterval.count()));
  for (size_t i = 0; i < specs.size(); ++i) {
    const farm::v1::BoardOffer& offer = hello.boards(static_cast<int>(i));
    auto* verdict = welcome->add_boards();
    verdict->set_board(offer.name());
    verdict->set_refused(std::string(verdicts[i].message()));
    if (absl::IsAlreadyExists(verdicts[i])) known.refused.push_back(offer.name());
    if (!verdicts[i].ok()) continue;
    known.boards.push_back(offer.name());
    Board& board = boards_[offer.name()];
    board.key = offer.kind() == "physical" ? offer.device() : offer.device() + "/" + offer.kind();
    board.offer = offer;
    board.drift = 0;
    if (const auto ruler = rulers_.find(board.key); ruler != rulers_.end()) {
      verdict->set_ruler_canary_ns(ruler->second);
    }
  }
  return absl::OkStatus();
}

std::map<SessionId, Tracker::Agent>::iterator Tracker::HangUp(
    std::map<SessionId, Agent>::iterator agent, const std::string& why) {
  output_.hang_ups.push_back({agent->first, why});
  scheduler_.Disconnect(agent->first);
  return agents_.erase(agent);
}

void Tracker::RecallRefused() {
  for (auto at = agents_.begin(); at != agents_.end();) {
    const std::vector<std::string>& refused = at->second.refused;
    const auto free = std::find_if(refused.begin(), refused.end(),
                                   [this](const auto& board) { return !scheduler_.IsHeld(board); });
    at = free == refused.end()
             ? std::next(at)
             : HangUp(at, fmt::format("board {} can be had now: say Hello again", *free));
  }
}

void Tracker::Disconnect(SessionId session) {
  scheduler_.Disconnect(session);
  agents_.erase(session);
}

void Tracker::Receive(SessionId session, const AgentMessage& message, FarmTime now) {
  if (!agents_.contains(session)) return;  // another connection has taken its place
  // Whatever it says, it is there.
  scheduler_.Heartbeat(session, now);
  switch (message.message_case()) {
    case AgentMessage::kRunDone:
      return FinishRun(session, message.run_done(), now);
    case AgentMessage::kRemedyDone:
      return scheduler_.RemedyDone(session, message.remedy_done().board(),
                                   message.remedy_done().good(), now);
    case AgentMessage::kBoardReport:
      return TakeReport(session, message.board_report());
    case AgentMessage::kHello:
    case AgentMessage::kHeartbeat:
    case AgentMessage::MESSAGE_NOT_SET:
      return;
  }
}

void Tracker::FinishRun(SessionId session, const AgentMessage::RunDone& done, FarmTime now) {
  const Lease lease = LeaseOf(done.lease());
  const bool lost = done.infrastructure_loss();
  farm::v1::JobResult result = done.result();
  // A board speaks for itself alone.
  result.set_board(lease.board);
  const absl::Status status =
      scheduler_.Finish(session, lease, lost ? RunEnd::kInfraLoss : RunEnd::kDone,
                        lost ? result.message() : result.SerializeAsString(), now);
  if (!status.ok()) figures_.refused_results++;
  if (const auto board = boards_.find(lease.board); status.ok() && board != boards_.end()) {
    board->second.done += lost ? 0 : 1;
    if (!result.environment().empty()) {
      board->second.offer.set_environment(result.environment());
    }
  }
  auto* taken = ToAgent(session).mutable_taken();
  *taken->mutable_lease() = done.lease();
  taken->set_refused(!status.ok());
  taken->set_why(std::string(status.message()));
}

void Tracker::TakeReport(SessionId session, const AgentMessage::BoardReport& report) {
  const std::vector<std::string>& own = agents_.at(session).boards;
  if (std::find(own.begin(), own.end(), report.board()) == own.end()) return;
  // Neither is a figure of a canary: one that is no number would become every board's ruler.
  if (!std::isfinite(report.canary_ns()) || !std::isfinite(report.drift())) return;
  Board& board = boards_.at(report.board());
  board.drift = report.drift();
  if (!report.environment().empty()) board.offer.set_environment(report.environment());
  scheduler_.Cool(session, report.board(), report.cooling());
  if (report.canary_ns() <= 0 || board.offer.kind() == "virtual") return;
  const auto [ruler, is_new] = rulers_.try_emplace(board.key, report.canary_ns());
  if (!is_new) return;
  store_.PutRuler(board.key, report.canary_ns());
  for (const auto& [other, agent] : agents_) {
    const bool has = std::any_of(agent.boards.begin(), agent.boards.end(), [&](const auto& name) {
      return boards_.at(name).key == board.key;
    });
    if (!has) continue;
    auto* message = ToAgent(other).mutable_ruler();
    message->set_device(board.offer.device());
    message->set_canary_ns(ruler->second);
  }
}

absl::StatusOr<farm::v1::DescribeDeviceReply> Tracker::DescribeDevice(
    const std::string& device) const {
  farm::v1::DescribeDeviceReply reply;
  std::set<std::string> others;
  for (const BoardStatus& status : scheduler_.Boards()) {
    if (!status.spec.device.empty()) others.insert(status.spec.device);
    if (status.spec.device != device) continue;
    auto* board = reply.add_boards();
    board->set_name(status.spec.name);
    board->set_live(status.live);
    if (const auto known = boards_.find(status.spec.name); known != boards_.end()) {
      const farm::v1::BoardOffer& offer = known->second.offer;
      board->set_kind(offer.kind());
      *board->mutable_tags() = offer.tags();
      board->set_environment(offer.environment());
      board->set_hardware(offer.hardware());
      board->set_facts(offer.facts());
    }
  }
  if (reply.boards_size() > 0) return reply;
  if (others.empty()) return absl::NotFoundError("the farm has no boards at all");
  return absl::NotFoundError(
      fmt::format("the farm has no board of {}; it has {}", device, fmt::join(others, ", ")));
}

FarmStatus Tracker::Status(FarmTime now) const {
  const auto ms_since = [&](FarmTime then) {
    return static_cast<uint64_t>(std::chrono::duration_cast<FarmDuration>(now - then).count());
  };
  FarmStatus status;
  for (const BoardStatus& b : scheduler_.Boards()) {
    if (b.spec.device.empty()) continue;  // of before a restart, and not back yet
    auto* board = status.add_boards();
    board->set_name(b.spec.name);
    board->set_device(b.spec.device);
    board->set_agent(b.agent);
    board->set_health(b.health);
    board->set_live(b.live);
    board->set_cooling(b.cooling);
    board->set_epoch(b.epoch);
    board->set_losses(b.losses);
    if (b.lease) {
      if (const FarmRequest* request = scheduler_.Find(b.lease->request); request != nullptr) {
        board->set_user(request->user);
      }
      board->set_request(b.lease->request);
      board->set_lease_ms(ms_since(requests_.at(b.lease->request).began));
      status.set_running(status.running() + 1);
    }
    if (const auto known = boards_.find(b.spec.name); known != boards_.end()) {
      board->set_kind(known->second.offer.kind());
      *board->mutable_tags() = known->second.offer.tags();
      board->set_drift(known->second.drift);
      board->set_done(known->second.done);
      board->set_environment(known->second.offer.environment());
    }
  }
  std::map<std::tuple<int64_t, std::string, std::string, std::string>, FarmStatus::Waiting> waiting;
  for (const auto& [id, request] : requests_) {
    const FarmRequest& wanted = *scheduler_.Find(id);
    if (scheduler_.StatusOf(id)->state != RequestState::kQueued) continue;
    const StoredSession* session = sessions_.Find(request.session);
    const std::string label = session == nullptr ? "" : session->label;
    FarmStatus::Waiting& line =
        waiting[{-int64_t{wanted.priority}, wanted.user, wanted.device, label}];
    if (line.requests() == 0) {
      line.set_user(wanted.user);
      line.set_device(wanted.device);
      line.set_priority(wanted.priority);
      line.set_label(label);
      line.set_for_what(scheduler_.BoardsFor(wanted) > 0 ? "a free board"
                                                         : "no live board of " + wanted.device);
    }
    line.set_requests(line.requests() + 1);
    line.set_longest_ms(std::max(line.longest_ms(), ms_since(request.submitted)));
  }
  for (auto& [key, line] : waiting) *status.add_waiting() = std::move(line);
  status.set_ended(figures_.done + figures_.lost + figures_.cancelled);
  const auto recent = std::count_if(figures_.last_minute.begin(), figures_.last_minute.end(),
                                    [&](FarmTime t) { return now - t <= std::chrono::minutes(1); });
  const double window = std::clamp(static_cast<double>(ms_since(figures_.started)) / 1000, 1., 60.);
  status.set_results_per_second(static_cast<double>(recent) / window);
  status.set_uptime_ms(ms_since(figures_.started));
  status.set_sessions(sessions_.size());
  status.set_agents(agents_.size());
  return status;
}

}  // namespace halyard
