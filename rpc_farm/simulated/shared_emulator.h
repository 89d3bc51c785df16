// The virtual board behind all simulated boards of a device: the executor of one board host, which
// is one thread's at a time, for many threads.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include "rpc_farm/agent/board_executor.h"

namespace halyard {

// Thread-safe. Callers wait for their turn as long as nobody stops them: a run's lease does.
class SharedEmulator {
 public:
  explicit SharedEmulator(std::unique_ptr<BoardExecutor> executor);

  absl::Status Start();
  absl::Status AwaitReady(const std::stop_token& stop, std::chrono::milliseconds limit);
  RunOutcome Run(const std::stop_token& stop, const RunRequest& request,
                 std::chrono::milliseconds deadline);
  absl::Status Command(const std::stop_token& stop, const std::string& command,
                       std::chrono::milliseconds deadline);
  std::string environment();

 private:
  class Turn;

  const std::unique_ptr<BoardExecutor> executor_;
  std::mutex mutex_;
  std::condition_variable_any free_;
  bool taken_ = false;
  std::string environment_;  // of the last turn
};

}  // namespace halyard
