#include "tests/performance/farm_chaos/chaos_farm.h"

#include <fmt/format.h>
#include <signal.h>

#include <filesystem>
#include <stdexcept>
#include <thread>

#include "absl/time/clock.h"
#include "farm.grpc.pb.h"
#include "rpc_farm/security/certificate_authority.h"
#include "rpc_farm/security/credentials.h"
#include "rpc_farm/security/server_setup.h"
#include "tests/integration/farm_network/tracker_program.h"
#include "tests/integration/farm_security/enrolment.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kKilledWithin{5'000}, kLeftWithin{20'000};
// What a process that was killed leaves to the next reaper.
constexpr milliseconds kReapedWithin{2'000};

// Simulated boards "NAME-1" and so on, which a reset takes as long as an outage.
std::string Simulated(const std::string& name, int count, size_t seed, const std::string& more) {
  return fmt::format(
      R"({{"name": "{}", "device": "rpi4", "board": "simulated", "count": {}, "reset": "sleep 5",
          "power": "sleep 5", "simulation": {{"seed": {}, "noise": 0.02, "hang": 0.001,
          "wrong": 0.01, {}}}}})",
      name, count, seed, more);
}

std::string BoardsFile(size_t agent) {
  const std::string usual = Simulated(fmt::format("sim-{}", agent), 8, agent, R"(
      "speed_spread": 0.1, "reboot": {"every_s": 90, "for_s": 4},
      "drift": [{"at_s": 60, "over_s": 20, "to": 1.15}, {"at_s": 120, "over_s": 20, "to": 1}],
      "partition": [{"at_s": 75, "for_s": 10}])");
  const std::string slow = Simulated(fmt::format("slow-{}", agent), 1, agent, R"("speed": 0.1)");
  const std::string flapping = Simulated(fmt::format("flapping-{}", agent), 1, agent,
                                         R"("reboot": {"every_s": 20, "for_s": 5})");
  return fmt::format(
      R"({{"boards": [{}, {}, {}, {{"name": "desk-{}", "device": "host", "shared": true}}]}})",
      usual, slow, flapping, agent);
}

}  // namespace

ChaosFarm::ChaosFarm() {
  const absl::Status made =
      CertificateAuthority::Create(authority_, {"localhost", "127.0.0.1"}, "root", absl::Now());
  if (!made.ok()) throw std::runtime_error(made.ToString());
  StartTracker();
  if (!tracker_->AwaitEvents("serving", 1, kFarmSoon)) {
    throw std::runtime_error("the tracker does not serve: " + tracker_->Log());
  }
  for (size_t i = 0; i < kAgents; ++i) {
    agents_.push_back({FarmProxy::Start("127.0.0.1:0", kTracker).value(), nullptr});
    StartAgent(i);
  }
  for (size_t i = 0; i < kClients; ++i) {
    networks_.push_back(FarmProxy::Start("127.0.0.1:0", kTracker).value());
  }
}

std::string ChaosFarm::Enrolled(FarmRole role, const std::string& name) {
  const std::string folder = folder_.Path(name);
  if (std::filesystem::exists(folder)) return folder;
  return EnrollInto(folder, authority_, {role, name}, ValidFor(absl::Hours(24)));
}

std::shared_ptr<FarmClient> ChaosFarm::Connect(size_t client) {
  FarmClientOptions options;
  options.address = fmt::format("127.0.0.1:{}", networks_[client]->port());
  options.certificates = Enrolled(FarmRole::kClient, fmt::format("user-{}", client));
  options.patience = std::chrono::hours(24);  // networks are away by chance, for however long
  return FarmClient::Connect(options).value();
}

void ChaosFarm::StartTracker() {
  // The log goes on, as does the state.
  tracker_ = std::make_unique<LoggedProcess>(
      std::vector<std::string>{HALYARD_FARM_TRACKER, "--listen", kTracker, "--state",
                               folder_.Path("state"), "--certificates", authority_ + "/tracker"},
      folder_.Path("tracker.log"));
}

void ChaosFarm::KillTracker() {
  tracker_->Signal(SIGKILL);
  tracker_->AwaitEnd(kKilledWithin);
  ++figures_.tracker_kills;
  StartTracker();
}

std::vector<std::string> ChaosFarm::Flags(const std::string& agent) {
  return {"--cooling-seconds", "2", "--certificates", Enrolled(FarmRole::kAgent, agent)};
}

void ChaosFarm::StartAgent(size_t i) {
  const std::string name = fmt::format("agent-{}", i);
  agents_[i].process = std::make_unique<AgentProcess>(
      fmt::format("127.0.0.1:{}", agents_[i].network->port()), BoardsFile(i), Flags(name), name);
  agents_[i].stopped = false;
}

void ChaosFarm::Kill(size_t i) {
  AgentProcess& agent = *agents_[i].process;
  const std::vector<pid_t> below = agent.Below();
  if (agents_[i].stopped) agent.Signal(SIGCONT);
  agent.Signal(SIGKILL);
  agent.AwaitEnd(kKilledWithin);
  LookBehind(agent, below);
  ++figures_.agent_kills;
  StartAgent(i);
}

void ChaosFarm::Stop(size_t i) {
  if (!agents_[i].stopped) agents_[i].process->Signal(SIGSTOP);
  agents_[i].stopped = true;
}

void ChaosFarm::ResumeAll() {
  for (Agent& agent : agents_) {
    if (agent.stopped) agent.process->Signal(SIGCONT);
    agent.stopped = false;
  }
}

void ChaosFarm::Claim(size_t agent) {
  if (claimant_ != nullptr) return EndClaim();
  claimant_ =
      std::make_unique<AgentProcess>(kTracker, BoardsFile(agent), Flags("claimant"), "claimant");
  ++figures_.claims;
}

void ChaosFarm::EndClaim() {
  if (claimant_ != nullptr) End(*claimant_);
  claimant_.reset();
}

void ChaosFarm::Heal(FarmProxy& network) {
  for (const ProxyWay way : {ProxyWay::kToServer, ProxyWay::kToClient}) {
    network.SetBlackHole(way, false);
    network.SetDelay(way, milliseconds(0));
  }
  network.SetRefusing(false);
}

void ChaosFarm::Heal() {
  EndClaim();
  ResumeAll();
  for (const Agent& agent : agents_) Heal(*agent.network);
  for (const auto& network : networks_) Heal(*network);
}

void ChaosFarm::End() {
  for (const Agent& agent : agents_) End(*agent.process);
  tracker_->Signal(SIGTERM);
  if (!tracker_->AwaitEnd(kLeftWithin)) ++figures_.left_processes;
}

void ChaosFarm::End(AgentProcess& agent) {
  const std::vector<pid_t> below = agent.Below();
  agent.Signal(SIGTERM);
  if (!agent.AwaitEnd(kLeftWithin)) ++figures_.left_processes;
  LookBehind(agent, below);
}

void ChaosFarm::LookBehind(const AgentProcess& ended, const std::vector<pid_t>& below) {
  const auto by = std::chrono::steady_clock::now() + kReapedWithin;
  while (!StillRunning(below).empty() && std::chrono::steady_clock::now() < by) {
    std::this_thread::sleep_for(milliseconds(20));
  }
  figures_.left_processes += StillRunning(below).size();
  figures_.left_files += ended.TemporaryFiles().size();
  for (const auto& event : ended.Events("run_done")) {
    if (!served_[event.at("board")].insert(event.at("epoch").get<uint64_t>()).second) {
      ++figures_.leased_twice;
    }
  }
}

std::vector<const LoggedProcess*> ChaosFarm::processes() const {
  std::vector<const LoggedProcess*> all = {tracker_.get()};
  for (const Agent& agent : agents_) all.push_back(agent.process.get());
  return all;
}

uint64_t ChaosFarm::connections() const {
  uint64_t open = 0;
  for (const Agent& agent : agents_) open += agent.network->figures().open;
  for (const auto& network : networks_) open += network->figures().open;
  return open;
}

std::optional<farm::v1::FarmStatus> ChaosFarm::Status() const {
  const auto channel = grpc::CreateCustomChannel(
      kTracker, ChannelCredentialsFrom(authority_ + "/admin", kTracker).value(),
      FarmChannelArguments());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + milliseconds(2'000));
  farm::v1::FarmStatus status;
  if (!farm::v1::Admin::NewStub(channel)->GetStatus(&context, {}, &status).ok()) return {};
  return status;
}

}  // namespace halyard
