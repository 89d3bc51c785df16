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
  // `device`: as LoadDevice takes it.
  explicit BoardHost(std::string device) : device_(std::move(device)) {}

  // The reply to no request: whether there is an executor.
  HostReply FirstWords();
  HostReply Answer(const HostRequest& request);

 private:
  absl::Status MakeReady();
  HostReply Told(absl::Status status);
  HostReply Run(const HostRequest& request);

  const std::string device_;
  bool runs_here_ = false;  // candidates are processes of this machine
  std::unique_ptr<Executor> executor_;
};

// Serves `socket` until its other end is closed or shut down, or SIGTERM; `parent`: the agent's
// process id. Ends the process.
[[noreturn]] void ServeBoard(std::string device, int socket, pid_t parent);

}  // namespace halyard
