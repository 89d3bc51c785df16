// Runs the board runner of a Linux device under qemu-user with the counting plugin: the device's
// virtual board. Its cycles come from the device file's cycle model and repeat exactly.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "rpc_farm/executor.h"
#include "rpc_farm/sandbox/sandbox.h"

namespace halyard {

class QemuUserExecutor : public Executor {
 public:
  // FailedPrecondition: `qemu` cannot be started.
  // `sandbox`: what qemu runs in, nullptr for nothing.
  static absl::StatusOr<std::unique_ptr<QemuUserExecutor>> Make(
      std::string qemu, std::string plugin, std::string runner, const Device& device,
      std::shared_ptr<const Sandbox> sandbox = nullptr);

  // Every mode but kPeak is served as kCount: there is no clock here worth reading. kPeak answers
  // with the device file's figures.
  RunOutcome Run(const RunRequest& request, std::chrono::milliseconds deadline) override;
  std::string board_id() const override;
  BoardKind board_kind() const override { return BoardKind::kVirtual; }
  std::string environment() const override;

 private:
  QemuUserExecutor() = default;
  RunReply PeakOfDevice() const;
  SandboxedProgram Contained(const std::vector<std::string>& argv, const RunRequest& request,
                             const std::string& model, const std::string& report) const;

  std::string qemu_, qemu_version_, plugin_, runner_;
  std::string model_;  // as the plugin reads it
  Device device_;
  std::shared_ptr<const Sandbox> sandbox_;
};

}  // namespace halyard
