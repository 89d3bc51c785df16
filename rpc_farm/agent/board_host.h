// What a board host does: holds the executor of one board and runs what its agent sends, until the
// agent is gone or wants it to end. Then it kills all that is below it, whatever a run was at.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "rpc_farm/agent/frames.h"

namespace halyard {

// One thread.
class BoardHost {
 public:
  // `device`: as LoadDevice takes it. `sandboxed`: candidates that run on this machine do so in a
  // sandbox, or not at all.
  BoardHost(std::string device, bool sandboxed)
      : device_(std::move(device)), sandboxed_(sandboxed) {}

  // The reply to no request: whether there is an executor.
  HostReply FirstWords();
  HostReply Answer(const HostRequest& request);

 private:
  absl::Status MakeReady();
  HostReply Told(absl::Status status);
  HostReply Run(const HostRequest& request);

  const std::string device_;
  const bool sandboxed_;
  bool runs_here_ = false;  // candidates are processes of this machine
  std::unique_ptr<Executor> executor_;
};

// Serves `socket` until its other end is closed or shut down, or SIGTERM; `parent`: the agent's
// process id. Ends the process.
[[noreturn]] void ServeBoard(BoardHost host, int socket, pid_t parent);

// The option of board_host and farm_agent for machines where there can be no sandbox.
inline constexpr char kUnsafeNoSandbox[] = "unsafe-no-sandbox";

// Whether candidates for the device run on this machine, as processes of its kernel: what a sandbox
// is for. Not those under an emulator of a whole machine.
inline bool RunsCandidatesHere(const Device& device) {
  return !device.firmware &&
         (device.board.reach == BoardReach::kLocal || device.board.reach == BoardReach::kVirtual);
}

}  // namespace halyard
