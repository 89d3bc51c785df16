// Runs the board runner as a process of this machine.
#pragma once

#include <string>

#include "rpc_farm/executor.h"

namespace halyard {

class LocalExecutor : public Executor {
 public:
  // `runner`: path of the static board runner for this machine.
  LocalExecutor(std::string runner, const Device& device);

  RunOutcome Run(const RunRequest& request, std::chrono::milliseconds deadline) override;
  std::string board_id() const override;
  BoardKind board_kind() const override { return BoardKind::kPhysical; }
  std::string environment() const override;

 private:
  std::string runner_;
  std::string board_id_;
  int64_t memory_bytes_;
};

// "kernel <release>, clocksource <name>, governor <name>", as far as this machine tells.
std::string HostConditions();

}  // namespace halyard
