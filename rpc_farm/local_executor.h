// Runs the board runner as a process of this machine.
#pragma once

#include <string>

#include "rpc_farm/executor.h"
#include "rpc_farm/sandbox/sandbox.h"

namespace halyard {

class LocalExecutor : public Executor {
 public:
  // `runner`: path of the static board runner for this machine. `sys_root`: what is read as /sys.
  // `sandbox`: nullptr for none.
  LocalExecutor(std::string runner, const Device& device, std::string sys_root = "/sys",
                std::shared_ptr<const Sandbox> sandbox = nullptr);

  RunOutcome Run(const RunRequest& request, std::chrono::milliseconds deadline) override;
  std::string board_id() const override;
  BoardKind board_kind() const override { return BoardKind::kPhysical; }
  std::string environment() const override;
  std::optional<BoardFacts> facts() override;

 private:
  SandboxedProgram Contained(const RunRequest& request) const;

  std::string runner_;
  std::string board_id_;
  int64_t memory_bytes_;
  std::string sys_root_;
  std::shared_ptr<const Sandbox> sandbox_;
  std::string system_;      // what of the environment stays
  std::string conditions_;  // of the last run that took a time
};

}  // namespace halyard
