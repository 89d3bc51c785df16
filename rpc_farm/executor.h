// The one way to run something on a board: local process, emulator, ssh, farm. An executor moves a
// RunRequest to the board's runner and brings the reply back, or says how that failed. It sees
// artifacts and buffer shapes, never a schedule.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "targets/device.h"
#include "targets/run_protocol.h"

namespace halyard {

enum class RunStatus {
  kOk,         // reply is valid (its entries may still report kernel errors)
  kCrash,      // the runner died of a signal or a non-zero exit: the candidate's fault
  kTimeout,    // killed at the deadline
  kResource,   // killed by, or failed on, the memory limit
  kInfra,      // runner missing, protocol mismatch, garbage reply: not the candidate's fault
  kBoardLost,  // the board stopped answering
};

struct RunOutcome {
  RunStatus status = RunStatus::kInfra;
  std::string message;  // one line, empty for kOk
  RunReply reply;
};

class Executor {
 public:
  virtual ~Executor() = default;
  // Runs one request in a process of its own; returns by `deadline` (wall time) plus a second of
  // clean-up at most, leaving no process behind. Not thread-safe: one request at a time.
  virtual RunOutcome Run(const RunRequest& request, std::chrono::milliseconds deadline) = 0;
  virtual std::string board_id() const = 0;
  virtual BoardKind board_kind() const = 0;
  // One line of conditions for the record: kernel, clock source, governor where told.
  virtual std::string environment() const = 0;
};

// The executor a device's board is reached by when no farm is named: a local process for a physical
// device of this machine, qemu with the counting plugin for a virtual one.
// FailedPrecondition: says what is missing (runner, qemu, plugin) and how to get it.
absl::StatusOr<std::unique_ptr<Executor>> MakeExecutor(const Device& device);

}  // namespace halyard
