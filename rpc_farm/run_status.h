// How a run on a board ended, and its names on the wire.
#pragma once

#include <optional>
#include <string_view>

namespace halyard {

enum class RunStatus {
  kOk,         // reply is valid (its entries may still report kernel errors)
  kCrash,      // the runner died of a signal or a non-zero exit: the candidate's fault
  kTimeout,    // killed at the deadline
  kResource,   // killed by, or failed on, the memory limit
  kInfra,      // runner missing, protocol mismatch, garbage reply: not the candidate's fault
  kBoardLost,  // the board stopped answering
  kUnstable,   // right or wrong, its times are void: the board's clock moved, or it throttled
  kRejected,   // the request itself is refused: malformed, absurd, or without what it names
};

// "ok", "crash", "timeout", "resource", "infra", "board_lost", "unstable", "rejected".
std::string_view RunStatusName(RunStatus status);
std::optional<RunStatus> ParseRunStatus(std::string_view name);

// Whether the board, the transfer or the agent failed and not the candidate: run again elsewhere.
inline bool IsInfrastructureLoss(RunStatus status) {
  return status == RunStatus::kInfra || status == RunStatus::kBoardLost;
}

}  // namespace halyard
