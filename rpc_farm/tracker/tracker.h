// The tracker without its network: what clients, agents and operators say goes in, what is to be
// told to them comes out once it is stored. One thread's; TrackerLoop gives it one.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "farm.pb.h"
#include "rpc_farm/artifacts/artifact_store.h"
#include "rpc_farm/proto/agreement.h"
#include "rpc_farm/tracker/client_sessions.h"
#include "rpc_farm/tracker/scheduler.h"
#include "rpc_farm/tracker/tracker_figures.h"
#include "rpc_farm/tracker/tracker_store.h"

namespace halyard {

inline constexpr size_t kMostRequestsPerUser = 20'000;  // queued or running
inline constexpr size_t kMostRunRequestBytes = size_t{1} << 20;
inline constexpr int kMostArtifactsPerJob = 64;

// What to send, in order, to whom.
struct TrackerOutput {
  struct ToAgent {
    SessionId session;
    farm::v1::TrackerMessage message;
  };
  struct ToClient {
    std::string session;
    farm::v1::RequestResult result;
  };
  std::vector<ToAgent> to_agents;
  std::vector<ToClient> to_clients;
  // Agents' connections that are over, and what the agent is told.
  struct HangUp {
    SessionId session;
    std::string why;
  };
  std::vector<HangUp> hang_ups;
};

// Statuses are those that farm.proto says of each call. Not thread-safe. Times must not fall.
class Tracker {
 public:
  // Both must outlive it.
  Tracker(TrackerStore& store, ArtifactStore& artifacts) : store_(store), artifacts_(artifacts) {}
  // To be called once, first: goes on where the tracker before stopped.
  absl::Status Restore(FarmTime now);

  // ---- clients; `user`: by certificate; empty: without one, on the loopback
  absl::StatusOr<std::string> OpenSession(const std::string& user, const std::string& label,
                                          FarmTime now);
  absl::StatusOr<farm::v1::SubmitReply> Submit(const std::string& user,
                                               const farm::v1::SubmitRequest& submit, FarmTime now);
  absl::Status Acknowledge(const std::string& user,
                           const farm::v1::AcknowledgeRequest& acknowledge);
  absl::Status Cancel(const std::string& user, const farm::v1::CancelRequest& cancel, FarmTime now);
  absl::Status CloseSession(const std::string& user, const std::string& session, FarmTime now);
  // The session's Results stream has begun, or ended.
  absl::Status Attach(const std::string& user, const std::string& session);
  void Detach(const std::string& session, FarmTime now) { sessions_.Detach(session, now); }
  // Whose session it is, for one who may use it.
  absl::StatusOr<std::string> OwnerOf(const std::string& user, const std::string& session) const;
  absl::StatusOr<farm::v1::DescribeDeviceReply> DescribeDevice(const std::string& device) const;

  // ---- agents; a session is one connection
  absl::Status Connect(SessionId session, const std::string& agent,
                       const farm::v1::AgentMessage::Hello& hello, FarmTime now);
  void Receive(SessionId session, const farm::v1::AgentMessage& message, FarmTime now);
  void Disconnect(SessionId session);

  // ---- operators
  absl::Status Drain(const std::string& board) { return scheduler_.Drain(board); }
  absl::Status Quarantine(const std::string& board, const std::string& why, FarmTime now) {
    return scheduler_.Quarantine(board, why, now);
  }
  absl::Status Release(const std::string& board) { return scheduler_.Release(board); }
  farm::v1::FarmStatus Status(FarmTime now) const;
  const TrackerFigures& figures() const { return figures_; }

  // Lets what is overdue lapse, hands out work and stores what changed: to be called after the
  // events of a moment, whose answers may go out when it has returned, and at NextDeadline().
  // ResourceExhausted and the like: the store cannot be written; nothing may be answered.
  absl::StatusOr<TrackerOutput> Settle(FarmTime now);
  FarmTime NextDeadline() const;

 private:
  struct Request {
    std::string session;
    uint64_t number = 0;
    FarmTime submitted{}, began{};
    std::vector<std::string> pinned;  // digests
    // Its end was carried out: only then may it be dropped. Within one Settle a client may cancel,
    // acknowledge and close.
    bool ended = false;
  };
  struct Board {
    std::string key;  // of its ruler
    farm::v1::BoardOffer offer;
    double drift = 0;
    uint64_t done = 0;
  };
  struct Agent {
    std::string name;
    std::vector<std::string> boards;
    std::vector<std::string> refused;  // boards of other agents, when it said Hello
  };

  // REQUIRES: the session is among agents_. The next.
  std::map<SessionId, Agent>::iterator HangUp(std::map<SessionId, Agent>::iterator agent,
                                              const std::string& why);
  // An agent that was refused a board is to say Hello again when that board's holder is lost.
  void RecallRefused();
  void FinishRun(SessionId session, const farm::v1::AgentMessage::RunDone& done, FarmTime now);
  void TakeReport(SessionId session, const farm::v1::AgentMessage::BoardReport& report);
  void Carry(const FarmOrder& order, FarmTime now);
  void End(const std::string& id, FarmTime now);
  void Drop(const std::string& id);  // it is no client's any more
  void Unpin(Request& request);
  void EndSession(const std::string& session, FarmTime now);
  farm::v1::RequestResult ResultOf(const std::string& id) const;
  farm::v1::TrackerMessage& ToAgent(SessionId session);

  TrackerStore& store_;
  ArtifactStore& artifacts_;
  Scheduler scheduler_;
  ClientSessions sessions_;
  std::map<std::string, Request> requests_;  // until acknowledged
  std::map<std::string, size_t> of_user_;    // queued or running
  std::map<std::string, Board> boards_;
  std::map<SessionId, Agent> agents_;
  std::map<std::string, double> rulers_;
  std::set<std::string> changed_sessions_;
  TrackerOutput output_;
  TrackerFigures figures_;
};

// A board's kind goes among its tags, where no tag of a user's can be.
std::string KindTag(const std::string& kind);

}  // namespace halyard
