// What must hold of a tracker, as its clients and agents see it: fed with all that goes in and
// comes out, aborts where a promise is broken.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "rpc_farm/tracker/tracker.h"

namespace halyard {

class TrackerModel {
 public:
  // A lease as its agent has it.
  struct Run {
    std::string board;
    uint64_t epoch = 0;
    std::string request;
    auto operator<=>(const Run&) const = default;
  };

  // The tracker took this request; once it has settled, it may not forget it.
  void Submitted(const std::string& session, uint64_t number) {
    submitted_.insert({session, number});
  }
  void Connected(SessionId session, const std::string& agent,
                 const farm::v1::AgentMessage::Hello& hello);
  void Disconnected(SessionId session);
  void Received(SessionId session, const farm::v1::AgentMessage& message);
  void Settled(const TrackerOutput& output, const farm::v1::FarmStatus& status);
  // `delivered`: what the last Settle gave reached its receivers. Sessions of agents are gone.
  void Restarted();

  // All that settled trackers took.
  const std::set<std::pair<std::string, uint64_t>>& kept() const { return kept_; }
  const std::set<SessionId> sessions() const;
  std::set<Run> RunsOf(SessionId session) const;

 private:
  struct Agent {
    std::string name;
    std::set<Run> runs;  // that it was told to make, or said that it makes, and has not ended
  };
  std::map<SessionId, Agent> agents_;
  std::map<std::string, uint64_t> epochs_;                        // the highest of each board
  std::map<std::pair<std::string, uint64_t>, std::string> ends_;  // by session and number
  std::set<std::pair<std::string, uint64_t>> submitted_, kept_;
};

}  // namespace halyard
