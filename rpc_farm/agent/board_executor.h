// An executor as an agent needs one: it comes and goes with its board, and what it runs can be
// stopped.
#pragma once

#include <stop_token>
#include <string>

#include "rpc_farm/executor.h"

namespace halyard {

// One thread at a time. Its runs can be stopped from any other, through the token.
class BoardExecutor : public Executor {
 public:
  // Begins what the board needs beside it, where that has not begun, without waiting for it.
  virtual absl::Status Start() = 0;
  // Waits until the board can be reached. Unavailable: it cannot, and why; the next run tries
  // again. Cancelled: `stop` was requested.
  virtual absl::Status AwaitReady(const std::stop_token& stop, std::chrono::milliseconds limit) = 0;
  // Ends what was begun for this board, and all below it; the next run begins it anew.
  virtual void End() = 0;

  // When `stop` is requested the run is ended as a whole within half a second, and kInfra.
  virtual RunOutcome RunUntil(const std::stop_token& stop, const RunRequest& request,
                              std::chrono::milliseconds deadline) = 0;
  RunOutcome Run(const RunRequest& request, std::chrono::milliseconds deadline) final {
    return RunUntil({}, request, deadline);
  }
  // Of sh -c, beside the board. Internal: it failed, in one line.
  virtual absl::Status Command(const std::stop_token& stop, const std::string& command,
                               std::chrono::milliseconds deadline) = 0;
};

}  // namespace halyard
