// A simulated board as an agent serves it: the device's virtual board for what kernels answer and
// take, the script for what becomes of that, and the clock for how long it lasts.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "rpc_farm/simulated/emulated_kernels.h"
#include "rpc_farm/simulated/shared_emulator.h"
#include "rpc_farm/simulated/simulated_board.h"

namespace halyard {

// What the simulated boards of a device share.
struct SimulatedDevice {
  // `emulator`: of the device's virtual board.
  SimulatedDevice(const Device& device, std::unique_ptr<BoardExecutor> emulator);

  SharedEmulator emulator;
  EmulatedKernels kernels;
};

class SimulatedExecutor final : public BoardExecutor {
 public:
  SimulatedExecutor(std::string name, const Device& device, const SimulationScript& script,
                    std::shared_ptr<SimulatedDevice> shared);

  absl::Status Start() override { return shared_->emulator.Start(); }
  absl::Status AwaitReady(const std::stop_token& stop, std::chrono::milliseconds limit) override;
  void End() override {}  // the emulator is the other boards' too, and ends with the last of them

  RunOutcome RunUntil(const std::stop_token& stop, const RunRequest& request,
                      std::chrono::milliseconds deadline) override;
  absl::Status Command(const std::stop_token& stop, const std::string& command,
                       std::chrono::milliseconds deadline) override {
    return shared_->emulator.Command(stop, command, deadline);
  }

  std::string board_id() const override { return name_; }
  BoardKind board_kind() const override { return BoardKind::kSimulated; }
  std::string environment() const override;

 private:
  using Clock = std::chrono::steady_clock;
  double Now() const;  // of the board's own time, in seconds

  const std::string name_;
  const std::shared_ptr<SimulatedDevice> shared_;
  SimulatedBoard board_;
  const Clock::time_point began_ = Clock::now();
  double ahead_ = 0;  // seconds that the board's time is ahead of the clock's
  std::mutex mutex_;
  std::condition_variable_any never_;  // what a run that takes its time waits on
};

}  // namespace halyard
