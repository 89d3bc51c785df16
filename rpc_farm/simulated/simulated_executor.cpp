#include "rpc_farm/simulated/simulated_executor.h"

#include <utility>

namespace halyard {

using std::chrono::milliseconds;

SimulatedDevice::SimulatedDevice(const Device& device, std::unique_ptr<BoardExecutor> executor)
    : emulator(std::move(executor)),
      kernels(device, [this](const std::stop_token& stop, const RunRequest& request,
                             milliseconds limit) { return emulator.Run(stop, request, limit); }) {}

SimulatedExecutor::SimulatedExecutor(std::string name, const Device& device,
                                     const SimulationScript& script,
                                     std::shared_ptr<SimulatedDevice> shared)
    : name_(std::move(name)),
      shared_(std::move(shared)),
      board_(script, SeedOfBoard(script.seed, name_), device.clock_ghz) {}

double SimulatedExecutor::Now() const {
  return std::chrono::duration<double>(Clock::now() - began_).count() + ahead_;
}

absl::Status SimulatedExecutor::AwaitReady(const std::stop_token& stop, milliseconds limit) {
  if (absl::Status s = shared_->emulator.AwaitReady(stop, limit); !s.ok()) return s;
  if (const auto why = board_.WhyLost(Now())) return absl::UnavailableError(*why);
  return absl::OkStatus();
}

RunOutcome SimulatedExecutor::RunUntil(const std::stop_token& stop, const RunRequest& request,
                                       milliseconds deadline) {
  if (const auto why = board_.WhyLost(Now())) return {RunStatus::kBoardLost, *why, {}};
  // What the device is said to reach, for want of a board to measure.
  if (request.mode == RunMode::kPeak) return shared_->emulator.Run(stop, request, deadline);
  if (request.mode == RunMode::kCount) {
    return {RunStatus::kRejected, "a simulated board tells times: it counts no cycles", {}};
  }
  const RunOutcome truth = shared_->kernels.Run(stop, request, deadline);
  if (truth.status != RunStatus::kOk) return truth;
  SimulatedBoard::Ended ended = board_.Run(Now(), request, truth.reply, deadline);
  const double pace = board_.script().pace;
  ahead_ += (1 - pace) * ended.seconds;
  std::unique_lock lock(mutex_);
  never_.wait_for(lock, stop, std::chrono::duration<double>(pace * ended.seconds),
                  [] { return false; });
  if (stop.stop_requested()) return {RunStatus::kInfra, "stopped", {}};
  return std::move(ended.outcome);
}

std::string SimulatedExecutor::environment() const {
  return board_.environment() + ", answers and times of " + shared_->emulator.environment();
}

}  // namespace halyard
