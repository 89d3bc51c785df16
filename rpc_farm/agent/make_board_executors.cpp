#include "rpc_farm/agent/make_board_executors.h"

#include <map>
#include <utility>

#include "rpc_farm/agent/hosted_executor.h"
#include "rpc_farm/simulated/simulated_executor.h"

namespace halyard {
namespace {

std::unique_ptr<BoardExecutor> MakeHosted(const Device& device, HostProcesses& processes,
                                          const HostProgram& program) {
  HostedBoard host;
  host.program = program.path;
  host.device = device.loaded_from;
  host.kind = device.board_kind();
  host.options = program.options;
  const BoardReach reach = device.board.reach;
  // What LinkExecutor allows for a set-up and a copy.
  if (reach == BoardReach::kSsh || reach == BoardReach::kAdb) {
    host.slack = std::chrono::milliseconds(95'000);
  }
  return std::make_unique<HostedExecutor>(processes, std::move(host));
}

}  // namespace

std::vector<std::unique_ptr<BoardExecutor>> MakeBoardExecutors(
    const std::vector<BoardEntry>& boards, HostProcesses& processes, const HostProgram& host) {
  std::map<std::string, std::shared_ptr<SimulatedDevice>> simulated;
  std::vector<std::unique_ptr<BoardExecutor>> executors;
  for (const BoardEntry& board : boards) {
    if (!board.simulation) {
      executors.push_back(MakeHosted(board.device, processes, host));
      continue;
    }
    const Device& device = board.simulation->emulated;
    std::shared_ptr<SimulatedDevice>& shared = simulated[device.loaded_from];
    if (shared == nullptr) {
      shared = std::make_shared<SimulatedDevice>(device, MakeHosted(device, processes, host));
    }
    executors.push_back(
        std::make_unique<SimulatedExecutor>(board.name, device, board.simulation->script, shared));
  }
  return executors;
}

}  // namespace halyard
