// Messages between an agent and its board hosts, over a socket: eight bytes (a mark with the
// version, the length) and that many bytes of JSON. Both ends are this program's, but what the
// messages carry is of candidates and boards, and a host that a bug has damaged must not take the
// agent with it: everything is bounded and checked.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc_farm/executor.h"

namespace halyard {

inline constexpr char kFrameMark[4] = {'H', 'B', 'H', '1'};
inline constexpr size_t kFrameHeaderBytes = 8;
// A reply is to fit into one message to the tracker, with all that goes along with it: one that
// does not would be sent, refused and sent again for ever. Checked in board_worker.cpp.
inline constexpr size_t kMostReplyBytes = size_t{960} << 10;
inline constexpr size_t kMostFrameBytes = size_t{8} << 20;

// REQUIRES: `text` is no longer than kMostFrameBytes.
std::string Frame(const std::string& text);
// Length of the text behind a header. DataLoss: another mark, or longer than a frame may be.
absl::StatusOr<size_t> FrameLength(const std::string& header);

using FrameClock = std::chrono::steady_clock;

// Whole frames over a stream socket. Unavailable: the other end is gone, within a frame too.
// DeadlineExceeded: not by `deadline`. DataLoss: garbage.
absl::Status SendFrame(int socket, const std::string& text, FrameClock::time_point deadline);
absl::StatusOr<std::string> ReceiveFrame(int socket, FrameClock::time_point deadline);

// ---- what goes to a host: one of these, each answered by one frame

struct HostRequest {
  enum class Kind { kRun, kFacts, kCommand };
  Kind kind = Kind::kFacts;
  RunRequest run;       // kRun
  std::string command;  // kCommand: for sh -c
  std::chrono::milliseconds deadline{0};
};

// ---- what comes back; the first one unasked, once the executor was made or could not be

struct HostReply {
  RunOutcome outcome;                 // kRun; kInfra or kBoardLost where there is no executor
  std::string error;                  // not empty: why there is no executor, or a command failed
  std::string board_id, environment;  // of the executor, as it is now
  std::optional<BoardFacts> facts;    // unasked, and kFacts
};

std::string ToText(const HostRequest& request);
// What takes the place of a run whose reply is too large.
RunOutcome ReplyTooLarge();
// A reply that is too large for its frame is ReplyTooLarge() in place of itself.
std::string ToText(const HostReply& reply);
// InvalidArgument: what is missing or mistyped.
absl::StatusOr<HostRequest> ParseHostRequest(const std::string& text);
absl::StatusOr<HostReply> ParseHostReply(const std::string& text);

}  // namespace halyard
