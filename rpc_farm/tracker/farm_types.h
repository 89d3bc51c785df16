// The words the tracker's parts share: boards, requests, leases and how they end.
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <string>

namespace halyard {

// The tracker's clock never steps: a lease lasts as long as it says whatever is done to the date.
using FarmClock = std::chrono::steady_clock;
using FarmTime = FarmClock::time_point;
using FarmDuration = std::chrono::milliseconds;

// One physical or virtual unit of a device. Names are unique in a farm.
struct BoardSpec {
  std::string name;
  std::string device;
  std::set<std::string> tags;
};

// What a client wants measured. Its id is the client's own choice (random, 128 bits), so that a
// request sent twice is one request.
struct FarmRequest {
  std::string id;
  std::string user;
  int priority = 0;  // higher goes first
  std::string device;
  std::set<std::string> tags;       // a board must have all of them
  std::string payload;              // for the agent alone; the tracker never looks in
  FarmDuration time_limit{60'000};  // on the board, transfers included
};

// Exclusive use of a board for one request. Epochs of a board only rise, across restarts too: what
// comes in under another epoch than the board's present one is late, and refused.
struct Lease {
  std::string board;
  std::string request;
  uint64_t epoch = 0;
  FarmDuration time_limit{0};
};

// How one run of a request ended, as its agent tells.
enum class RunEnd {
  kDone,       // with an outcome of the candidate's own, good or bad: never run again
  kInfraLoss,  // board, transfer or agent failed: run again elsewhere, twice at most
};

enum class RequestState { kQueued, kRunning, kDone, kLost, kCancelled };

struct RequestStatus {
  RequestState state = RequestState::kQueued;
  std::string result;  // kDone: the agent's; kLost: why
  std::string board;   // running or done on it
  int losses = 0;
};

inline constexpr int kMostRequeues = 2;
// How often in a row an agent may come back and still owe the end of a run: one whose result is too
// large to be sent is cut off by each attempt, and would come back for ever.
inline constexpr int kMostReturns = 8;
inline constexpr FarmDuration kHeartbeatInterval{10'000};
inline constexpr FarmDuration kBoardLostAfter{30'000};

}  // namespace halyard
