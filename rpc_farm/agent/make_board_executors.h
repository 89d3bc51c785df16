// The executors of an agent's boards: a board host each, and one a device for all simulated boards.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rpc_farm/agent/board_executor.h"
#include "rpc_farm/agent/boards_file.h"
#include "rpc_farm/agent/host_processes.h"

namespace halyard {

struct HostProgram {
  std::string path;                  // of board_host
  std::vector<std::string> options;  // further arguments of each
};

// In the boards' order. `processes` outlives them.
std::vector<std::unique_ptr<BoardExecutor>> MakeBoardExecutors(
    const std::vector<BoardEntry>& boards, HostProcesses& processes, const HostProgram& host);

}  // namespace halyard
