// The tracker's mind: which request runs on which board, and what becomes of both when a board, an
// agent or a client fails. Pure logic: time is an argument, nothing is sent, nothing is stored;
// what is to be done comes out as orders. gRPC and the store are adapters around it.
//
// What always holds: a board has one lease at most; a request ends exactly once; an end that was
// accepted stays; an end told under another epoch than the board's lease is refused.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "rpc_farm/tracker/board_health.h"
#include "rpc_farm/tracker/fair_share.h"
#include "rpc_farm/tracker/farm_types.h"
#include "rpc_farm/tracker/request_queue.h"

namespace halyard {

// One connection of an agent, numbered by the adapter; never used twice.
using SessionId = uint64_t;
inline constexpr SessionId kNoSession = 0;

// What the adapter is to do. Orders of one board come in the order they are to be sent.
struct FarmOrder {
  enum class Kind {
    kRun,     // tell the agent to run the request under the lease
    kStop,    // tell the agent that the lease has ended: kill what runs
    kRemedy,  // tell the agent to apply the remedy to the board
    kEnded,   // tell the client, and store: the request has ended
  };
  Kind kind = Kind::kRun;
  SessionId session = kNoSession;
  Lease lease;  // kRun, kStop; of kRemedy its board, of kEnded its request alone
  Remedy remedy = Remedy::kReset;
};

struct BoardStatus {
  BoardSpec spec;
  std::string agent;
  SessionId session = kNoSession;
  std::string health;  // BoardHealth::Text, "lost", "draining", "cooling down"
  bool live = false;
  bool cooling = false;
  std::optional<Lease> lease;
  uint64_t epoch = 0;
  uint64_t losses = 0;  // leases that ended by the board's or its agent's fault, since the start
};

// What a restart has to know of the tracker before it: the adapter's store keeps it.
struct FarmMemory {
  struct Request {
    FarmRequest request;
    RequestStatus status;
    uint64_t epoch = 0;  // kRunning: of its lease on status.board
  };
  struct Board {
    uint64_t epoch = 0;
    bool draining = false;
    std::string quarantine;  // why; empty: it is fit
    bool held = false;       // in quarantine by an operator's order
  };
  std::vector<Request> requests;  // in the order they were submitted
  std::map<std::string, Board> boards;
};

// Not thread-safe. Times given to it must not fall.
class Scheduler {
 public:
  // Leases of running requests wait for their agents as long as a heartbeat may take.
  void Restore(const FarmMemory& memory, FarmTime now);

  // A new session of `agent` with its boards; `running`: the leases it works on, of a session
  // before. One status a board: AlreadyExists where another agent holds the name and is live,
  // InvalidArgument where the board lacks a name or device. The agent's own earlier session ends.
  std::vector<absl::Status> Connect(SessionId session, const std::string& agent,
                                    const std::vector<BoardSpec>& boards,
                                    const std::vector<Lease>& running, FarmTime now);
  void Heartbeat(SessionId session, FarmTime now);
  // The connection has ended. Its boards have until their next heartbeat is overdue to come back.
  void Disconnect(SessionId session);

  // AlreadyExists: that id is known, which is what a retry sees. InvalidArgument: a field is bad.
  absl::Status Submit(const FarmRequest& request, FarmTime now);
  // Of a queued or running request; of another nothing changes. NotFound: no such id.
  absl::Status Cancel(const std::string& request, FarmTime now);
  // Its client has the result: it need not be kept. REQUIRES: it has ended, or is not known.
  void Forget(const std::string& request);

  // How a run ended. FailedPrecondition: the lease is not the board's present one; nothing changes
  // but that the board is free again, if it was the last thing that ran there.
  absl::Status Finish(SessionId session, const Lease& lease, RunEnd end, const std::string& result,
                      FarmTime now);
  void RemedyDone(SessionId session, const std::string& board, bool good, FarmTime now);
  // A board that is too hot gets no new work until its agent says that it is cool.
  void Cool(SessionId session, const std::string& board, bool cooling);

  // An operator's orders. NotFound: no such board.
  absl::Status Drain(const std::string& board);  // gets no new work
  absl::Status Quarantine(const std::string& board, const std::string& why, FarmTime now);
  absl::Status Release(const std::string& board);  // from either

  // Lets what is overdue lapse and hands out work. To be called after the events of a moment and at
  // NextDeadline(), the next time something lapses by itself.
  std::vector<FarmOrder> Advance(FarmTime now);
  FarmTime NextDeadline() const;

  // What changed since it was last asked, for the store: requests that are known and were queued,
  // run or ended, and boards.
  struct Changes {
    std::set<std::string> requests, boards;
  };
  Changes TakeChanges();
  FarmMemory::Board MemoryOf(const std::string& board) const;

  std::optional<RequestStatus> StatusOf(const std::string& request) const;
  const FarmRequest* Find(const std::string& request) const;  // until Forget
  std::vector<BoardStatus> Boards() const;
  size_t queued() const;
  uint64_t losses() const { return losses_; }   // of all boards, since the start
  bool IsHeld(const std::string& board) const;  // by an agent that is not lost
  // Boards that are not lost and of which `request` could have any; 0: it waits for nothing yet.
  int BoardsFor(const FarmRequest& request) const;

 private:
  struct Board {
    BoardSpec spec;
    std::string agent;
    SessionId session = kNoSession;  // none: restored, or disconnected
    FarmTime heard{};
    bool lost = true;
    bool draining = false;
    bool cooling = false;
    BoardHealth health;
    std::optional<Lease> lease;
    FarmTime lease_began{}, lease_ends{};
    // Its agent has not said yet that it stopped the runs of these epochs.
    std::set<uint64_t> stopping;
    uint64_t epoch = 0;
    uint64_t losses = 0;
    int returns = 0;      // of its agent, since the last word about a run
    uint64_t served = 0;  // when it last began: the board longest idle goes first
  };
  struct Request {
    FarmRequest request;
    RequestStatus status;
  };

  // Is here and at nothing: whether it is fit is another matter.
  static bool CanWork(const Board& board);
  static bool Fits(const FarmRequest& request, const BoardSpec& board);
  void EndLease(Board& board, FarmTime now);
  void Lose(Board& board, const std::string& why, FarmTime now);
  void Requeue(Request& request, const std::string& why);
  void End(Request& request, RequestState state, const std::string& result);
  void Assign(Board& board, FarmTime now);

  std::map<std::string, Board> boards_;
  std::map<std::string, Request> requests_;
  std::map<std::string, RequestQueue> queues_;  // by device
  FairShare shares_;
  std::vector<FarmOrder> orders_;
  Changes changes_;
  uint64_t served_ = 0;
  uint64_t losses_ = 0;
};

}  // namespace halyard
