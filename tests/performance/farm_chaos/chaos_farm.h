// The farm that everything befalls: the real tracker and agents as processes, by their
// certificates, each agent and each client behind a proxy; and what is looked for when one of them
// has ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "farm.pb.h"
#include "rpc_farm/client/farm_client.h"
#include "rpc_farm/proxy/farm_proxy.h"
#include "rpc_farm/security/farm_identity.h"
#include "tests/integration/farm_agent/agent_process.h"
#include "tests/performance/process_weight.h"

namespace halyard {

// One thread's.
class ChaosFarm {
 public:
  static constexpr char kTracker[] = "127.0.0.1:7941";
  static constexpr size_t kAgents = 4, kClients = 3;
  // Of an agent: simulated ones, which hang, answer wrongly, reboot and drift by themselves, one
  // ten times slower and one that reboots all the time; and this machine in a sandbox.
  static constexpr size_t kBoards = 11;

  // Throws std::runtime_error where the tracker does not serve: another farm at its address would
  // be disturbed without a word.
  ChaosFarm();

  const std::string& authority() const { return authority_; }
  std::shared_ptr<FarmClient> Connect(size_t client);

  FarmProxy& network_of_agent(size_t i) { return *agents_[i].network; }
  FarmProxy& network_of_client(size_t i) { return *networks_[i]; }

  void KillTracker();  // and starts it
  void Kill(size_t agent);
  void Stop(size_t agent);
  void ResumeAll();
  // Another agent with boards of the names that `agent` has comes, or goes if there is one.
  void Claim(size_t agent);
  static void Heal(FarmProxy& network);
  // Ends whatever was done to processes and networks and does not end by itself.
  void Heal();
  // Of all, by their own will.
  void End();

  // The tracker and the agents.
  std::vector<const LoggedProcess*> processes() const;
  uint64_t connections() const;  // through the proxies
  // Of the tracker; nothing: it does not say.
  std::optional<farm::v1::FarmStatus> Status() const;

  struct Figures {
    int64_t tracker_kills = 0, agent_kills = 0, claims = 0;
    int64_t leased_twice = 0;  // a lease that was served twice, by whomever
    size_t left_processes = 0, left_files = 0;
  };
  const Figures& figures() const { return figures_; }

 private:
  struct Agent {
    std::unique_ptr<FarmProxy> network;
    std::unique_ptr<AgentProcess> process;
    bool stopped = false;
  };
  void StartTracker();
  void StartAgent(size_t i);
  void EndClaim();
  std::string Enrolled(FarmRole role, const std::string& name);
  std::vector<std::string> Flags(const std::string& agent);
  void End(AgentProcess& agent);
  void LookBehind(const AgentProcess& ended, const std::vector<pid_t>& below);

  ScratchFolder folder_;
  const std::string authority_ = folder_.Path("ca");
  std::unique_ptr<LoggedProcess> tracker_;
  std::vector<Agent> agents_;
  std::unique_ptr<AgentProcess> claimant_;
  std::vector<std::unique_ptr<FarmProxy>> networks_;  // of the clients
  std::map<std::string, std::set<uint64_t>> served_;  // epochs by board
  Figures figures_;
};

}  // namespace halyard
