#include "tests/fuzz/tracker_model.h"

#include <algorithm>

#include "tests/fuzz/fuzz_input.h"

namespace halyard {

void TrackerModel::Connected(SessionId session, const std::string& agent,
                             const farm::v1::AgentMessage::Hello& hello) {
  std::erase_if(agents_, [&](const auto& entry) { return entry.second.name == agent; });
  Agent& known = agents_[session];
  known.name = agent;
  for (const farm::v1::Lease& lease : hello.running()) {
    known.runs.insert({lease.board(), lease.epoch(), lease.request()});
  }
}

void TrackerModel::Disconnected(SessionId session) { agents_.erase(session); }

void TrackerModel::Received(SessionId session, const farm::v1::AgentMessage& message) {
  const auto agent = agents_.find(session);
  if (agent == agents_.end() || !message.has_run_done()) return;
  const farm::v1::Lease& lease = message.run_done().lease();
  std::erase_if(agent->second.runs, [&](const Run& run) {
    return run.board == lease.board() && run.epoch == lease.epoch();
  });
}

void TrackerModel::Settled(const TrackerOutput& output, const farm::v1::FarmStatus& status) {
  for (const auto& [session, message] : output.to_agents) {
    const auto agent = agents_.find(session);
    if (agent == agents_.end()) {
      Require(!message.has_run(), "work goes to no connection that has ended");
      continue;
    }
    if (message.has_welcome()) {
      // Of a board that was refused nothing was promised.
      std::set<std::string> taken;
      for (const auto& verdict : message.welcome().boards()) {
        if (verdict.refused().empty()) taken.insert(verdict.board());
      }
      std::erase_if(agent->second.runs, [&](const Run& run) { return !taken.contains(run.board); });
    }
    if (!message.has_run()) continue;
    const farm::v1::Lease& lease = message.run().lease();
    uint64_t& epoch = epochs_[lease.board()];
    Require(lease.epoch() > epoch, "a board's epochs only rise");
    epoch = lease.epoch();
    for (const Run& run : agent->second.runs) {
      Require(run.board != lease.board(), "a board gets no run before the one before has ended");
    }
    agent->second.runs.insert({lease.board(), lease.epoch(), lease.request()});
  }
  for (const auto& [session, result] : output.to_clients) {
    const std::pair<std::string, uint64_t> request{session, result.number()};
    Require(submitted_.contains(request), "a result is of a request that was made");
    Require(result.end() != farm::v1::RequestResult::END_UNSPECIFIED, "a result says how it ended");
    const auto [at, is_new] = ends_.try_emplace(request, result.SerializeAsString());
    Require(is_new || at->second == result.SerializeAsString(), "a request ends once");
  }
  std::set<std::string> running;
  for (const auto& board : status.boards()) {
    if (board.request().empty()) continue;
    Require(running.insert(board.request()).second, "a request runs on one board");
  }
  Require(running.size() == status.running(), "what runs is counted");
  kept_ = submitted_;
}

void TrackerModel::Restarted() {
  agents_.clear();
  submitted_ = kept_;
}

const std::set<SessionId> TrackerModel::sessions() const {
  std::set<SessionId> sessions;
  for (const auto& [session, agent] : agents_) sessions.insert(session);
  return sessions;
}

std::set<TrackerModel::Run> TrackerModel::RunsOf(SessionId session) const {
  const auto agent = agents_.find(session);
  return agent == agents_.end() ? std::set<Run>{} : agent->second.runs;
}

}  // namespace halyard
