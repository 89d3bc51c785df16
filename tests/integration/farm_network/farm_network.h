// A farm of the real programs for tests of what is between them: a tracker and agents as processes,
// clients in this one, each through a proxy where the test wants one.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "farm.grpc.pb.h"
#include "rpc_farm/client/farm_executor.h"
#include "rpc_farm/proxy/farm_proxy.h"
#include "rpc_farm/security/farm_identity.h"
#include "tests/integration/farm_agent/agent_process.h"
#include "tests/integration/farm_network/tracker_program.h"

namespace halyard {

// Boards of the rpi4's emulator whose kernels sleep: they take time and no processor.
class NetworkFarm {
 public:
  // `variables`: of its programs' environment, as of LoggedProcess.
  explicit NetworkFarm(bool certificates, std::vector<std::string> variables = {});

  TrackerProgram& tracker() { return *tracker_; }
  farm::v1::FarmStatus Status() const;
  farm::v1::FarmStatus::Board Board(const std::string& name) const;

  // With so many boards, "NAME-1" and so on, whose tag is the agent's name; at the tracker, or at a
  // proxy before it.
  std::unique_ptr<AgentProcess> StartAgent(const std::string& name, int boards = 1,
                                           const FarmProxy* proxy = nullptr);
  std::unique_ptr<FarmProxy> StartProxy() const;
  std::shared_ptr<FarmClient> Connect(const std::string& name, const FarmProxy* proxy = nullptr,
                                      std::chrono::seconds patience = std::chrono::seconds(120));
  // A run on any board of the agent.
  static FarmTarget BoardOf(const std::string& agent);
  // Of a kernel that sleeps so long.
  RunRequest SleepingRun(int ms);
  // The run on any board of the agent, under leases of so long; ends early when `stop` is set.
  static absl::StatusOr<farm::v1::RequestResult> Measure(FarmClient& client,
                                                         const std::string& agent, RunRequest run,
                                                         std::chrono::milliseconds lease,
                                                         const std::atomic<bool>& stop);
  bool SoonLive(int boards) const;  // and ready
  // Within half a minute.
  static bool Eventually(const std::function<bool()>& condition,
                         std::chrono::milliseconds limit = kFarmSoon);

 private:
  std::string FolderOf(FarmRole role, const std::string& name);
  std::string AddressOf(const FarmProxy* proxy) const;

  const bool certificates_;
  const std::vector<std::string> variables_;
  ScratchFolder folder_;
  std::unique_ptr<TrackerProgram> tracker_;
};

}  // namespace halyard
