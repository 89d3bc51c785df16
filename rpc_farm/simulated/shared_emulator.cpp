#include "rpc_farm/simulated/shared_emulator.h"

#include <utility>

namespace halyard {

class SharedEmulator::Turn {
 public:
  Turn(SharedEmulator& emulator, const std::stop_token& stop) : emulator_(emulator) {
    std::unique_lock lock(emulator_.mutex_);
    has_ = emulator_.free_.wait(lock, stop, [this] { return !emulator_.taken_; }) &&
           !stop.stop_requested();
    if (has_) emulator_.taken_ = true;
  }
  ~Turn() {
    if (!has_) return;
    const std::lock_guard lock(emulator_.mutex_);
    emulator_.taken_ = false;
    emulator_.environment_ = emulator_.executor_->environment();
    emulator_.free_.notify_one();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  bool has() const { return has_; }  // false: stopped before it came

 private:
  SharedEmulator& emulator_;
  bool has_ = false;
};

SharedEmulator::SharedEmulator(std::unique_ptr<BoardExecutor> executor)
    : executor_(std::move(executor)) {}

absl::Status SharedEmulator::Start() {
  const Turn turn(*this, {});
  return executor_->Start();
}

absl::Status SharedEmulator::AwaitReady(const std::stop_token& stop,
                                        std::chrono::milliseconds limit) {
  const Turn turn(*this, stop);
  return turn.has() ? executor_->AwaitReady(stop, limit) : absl::CancelledError("stopped");
}

RunOutcome SharedEmulator::Run(const std::stop_token& stop, const RunRequest& request,
                               std::chrono::milliseconds deadline) {
  const Turn turn(*this, stop);
  if (!turn.has()) return {RunStatus::kInfra, "stopped", {}};
  return executor_->RunUntil(stop, request, deadline);
}

absl::Status SharedEmulator::Command(const std::stop_token& stop, const std::string& command,
                                     std::chrono::milliseconds deadline) {
  const Turn turn(*this, stop);
  return turn.has() ? executor_->Command(stop, command, deadline) : absl::CancelledError("stopped");
}

std::string SharedEmulator::environment() {
  const std::lock_guard lock(mutex_);
  return environment_;
}

}  // namespace halyard
