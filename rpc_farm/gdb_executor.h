// Runs artifacts on a board without an operating system through a debugger: the device's emulator,
// or whatever board OpenOCD, pyOCD or J-Link serve.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "rpc_farm/executor.h"
#include "rpc_farm/firmware_image.h"
#include "rpc_farm/gdb_client.h"
#include "rpc_farm/qemu_system.h"

namespace halyard {

class GdbExecutor : public Executor {
 public:
  // FailedPrecondition: the firmware, the linker or qemu is missing.
  static absl::StatusOr<std::unique_ptr<GdbExecutor>> Make(const Device& device);

  // On a virtual board every mode but kPeak is served as kCount, and
  // cycles are those of the device file's costs, or instructions where it has none.
  // kPeak answers with the device file's figures on every board.
  RunOutcome Run(const RunRequest& request, std::chrono::milliseconds deadline) override;
  std::string board_id() const override;
  BoardKind board_kind() const override { return device_.board_kind(); }
  std::string environment() const override;

  // Of the emulator while a run is on, for tests that take it away; 0 else.
  pid_t emulator_pid() const { return emulator_pid_; }

 private:
  class Session;

  explicit GdbExecutor(const Device& device) : device_(device) {}

  bool is_virtual() const { return board_kind() == BoardKind::kVirtual; }
  const std::vector<MemoryRegion>& memory() const {
    return is_virtual() ? device_.firmware->emulator.memory : device_.firmware->memory;
  }

  const Device device_;
  std::string qemu_version_;
  std::atomic<pid_t> emulator_pid_{0};
};

}  // namespace halyard
