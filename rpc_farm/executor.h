// The one way to run something on a board: local process, emulator, ssh, farm. An executor moves a
// RunRequest to the board's runner and brings the reply back, or says how that failed. It sees
// artifacts and buffer shapes, never a schedule.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "rpc_farm/run_status.h"
#include "targets/board_facts.h"
#include "targets/device.h"
#include "targets/run_protocol.h"

namespace halyard {

struct RunOutcome {
  RunStatus status = RunStatus::kInfra;
  std::string message;  // one line, empty for kOk
  RunReply reply;
  // What the run had its board for, where the executor knows: of a board behind a queue that is not
  // the time that Run took.
  std::optional<double> board_seconds = std::nullopt;
};

class Sandbox;

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
  // What the board tells about itself; nothing where it cannot.
  virtual std::optional<BoardFacts> facts() { return std::nullopt; }
  // Whether a run may have to wait for its board beyond its deadline, as in a farm.
  virtual bool has_queue() const { return false; }
  // False: a run that waits and has not begun is given up as kInfra, and so are later ones, until
  // it is true again. From any thread.
  virtual void MayQueue(bool /*may*/) {}
};

// The executor a device's board is reached by when no farm is named, by the reach of its address: a
// local process, ssh, adb, or an emulator for a virtual board.
// FailedPrecondition: says what is missing (runner, qemu, plugin) and how to get it. Unavailable:
// the board cannot be reached, and what to do about it.
// `sandbox`: what candidates run in where they run on this machine, as a process or under
// qemu-user; nullptr: in nothing. A board behind ssh, adb or gdb runs them itself, and it does not
// apply.
absl::StatusOr<std::unique_ptr<Executor>> MakeExecutor(
    const Device& device, std::shared_ptr<const Sandbox> sandbox = nullptr);

}  // namespace halyard
