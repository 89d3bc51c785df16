// farm_chaos MINUTES [SEED]: everything that may befall a farm, at random, for so long. A real
// tracker, four real agents with ten simulated boards each (which hang, answer wrongly, reboot and
// drift by themselves), each behind a proxy, and three clients with sixteen requests in flight
// each, behind proxies too. Agents are killed and stopped, networks slow, cut and silent, the
// tracker is killed; but the first agent never, and the tracker not in the second half, so that
// what they leak has time to add up. A minute without faults under the same load goes before and
// comes after. Prints memory and descriptors by the minute. Exits with 1 where a request did not
// end exactly once, an answer came that was not asked for, or something was left over: processes,
// or connections, and descriptors and memory of the tracker and of each agent, beyond what there
// was in the minute before.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <thread>

#include "rpc_farm/security/credentials.h"
#include "rpc_farm/security/server_setup.h"
#include "targets/counter_rng.h"
#include "targets/device_snapshot.h"
#include "tests/conformance/test_artifacts.h"
#include "tests/integration/farm_network/farm_network.h"
#include "tests/performance/process_weight.h"

namespace halyard {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr char kTracker[] = "127.0.0.1:7941";
constexpr int kAgents = 4, kClients = 3, kInFlight = 16;

std::string BoardsFile(int agent) {
  return fmt::format(R"({{"boards": [{{"name": "sim-{}", "device": "rpi4", "board": "simulated",
      "count": 10, "reset": "true", "power": "true", "simulation": {{"seed": {}, "noise": 0.02,
      "speed_spread": 0.1, "hang": 0.001, "wrong": 0.01, "reboot": {{"every_s": 90, "for_s": 4}},
      "drift": [{{"at_s": 60, "over_s": 20, "to": 1.15}}, {{"at_s": 120, "over_s": 20, "to": 1}}],
      "partition": [{{"at_s": 75, "for_s": 10}}]}}}}]}})",
                     agent, agent);
}

class Chaos {
 public:
  explicit Chaos(uint64_t seed) : random_(seed) {
    StartTracker();
    // Another farm at its address would be disturbed without a word.
    if (!tracker_->AwaitEvents("serving", 1, kFarmSoon)) {
      throw std::runtime_error("the tracker does not serve: " + tracker_->Log());
    }
    for (int i = 0; i < kAgents; ++i) {
      agents_.push_back({FarmProxy::Start("127.0.0.1:0", kTracker).value(), nullptr});
      StartAgent(static_cast<size_t>(i));
    }
    for (int i = 0; i < kClients; ++i) {
      networks_.push_back(FarmProxy::Start("127.0.0.1:0", kTracker).value());
    }
    BuildCKernel(device_, folder_.Path("kernel.so"),
                 "for (long i = 0; i < N; ++i) OUT[i] = IN[i];");
    request_ = ShortRun(device_, folder_.Path("kernel.so"));
    request_.seed = kSeed;
    request_.timing.min_sample_ns = 100'000'000;
    target_.device = device_.id;
    target_.kind = device_.board_kind();
    target_.snapshot = DeviceSnapshot(device_).dump();
  }

  int Run(std::chrono::minutes time) {
    std::vector<std::jthread> threads;
    for (size_t client = 0; client < kClients; ++client) {
      FarmClientOptions options;
      options.address = fmt::format("127.0.0.1:{}", networks_[client]->port());
      options.user = fmt::format("user-{}", client);
      options.patience = std::chrono::seconds(600);
      const std::shared_ptr<FarmClient> connected = FarmClient::Connect(options).value();
      for (int i = 0; i < kInFlight; ++i) {
        threads.emplace_back([this, connected] { Measure(connected); });
      }
    }
    fmt::print(
        "minute   ended     ok other events ready | tracker MiB  fds | agents MiB  fds below\n");
    before_ = Quiet();
    connections_before_ = Connections();
    const auto begin = Clock::now();
    auto next = begin;
    while (Clock::now() - begin < time) {
      if (Clock::now() >= next) {
        Tell(fmt::to_string(
            std::chrono::duration_cast<std::chrono::minutes>(Clock::now() - begin).count()));
        while (next <= Clock::now()) next += std::chrono::minutes(1);  // it may have been paused
      }
      second_half_ = Clock::now() - begin > time / 2;
      Befall();
      std::this_thread::sleep_for(milliseconds(Between(500, 4000)));
    }
    Tell("end");
    Heal();
    after_ = Quiet();
    connections_after_ = Connections();
    closing_ = true;
    threads.clear();
    return Verdict();
  }

 private:
  static constexpr uint64_t kSeed = 7;
  struct Agent {
    std::unique_ptr<FarmProxy> network;
    std::unique_ptr<AgentProcess> process;
    bool stopped = false;
  };

  uint64_t Connections() const {
    uint64_t open = 0;
    for (const Agent& agent : agents_) open += agent.network->figures().open;
    for (const auto& network : networks_) open += network->figures().open;
    return open;
  }

  // The tracker and the agents, under load and otherwise left alone.
  std::vector<Weight> Quiet() {
    // A connection that went silent is given up after 20 s, and dialled again after 10 s at most.
    std::this_thread::sleep_for(std::chrono::seconds(40));
    std::vector<const LoggedProcess*> all = {tracker_.get()};
    for (const Agent& agent : agents_) all.push_back(agent.process.get());
    std::vector<Weight> weights = MostOver(all, std::chrono::seconds(20));
    Tell("quiet");
    return weights;
  }

  int Between(int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random_);
  }

  void StartTracker() {
    // The log goes on, as does the state.
    tracker_ = std::make_unique<LoggedProcess>(
        std::vector<std::string>{HALYARD_FARM_TRACKER, "--listen", kTracker, "--state",
                                 folder_.Path("state")},
        folder_.Path("tracker.log"));
  }

  void StartAgent(size_t i) {
    if (agents_[i].process != nullptr) Leftovers(*agents_[i].process);
    agents_[i].process = std::make_unique<AgentProcess>(
        fmt::format("127.0.0.1:{}", agents_[i].network->port()), BoardsFile(static_cast<int>(i)),
        std::vector<std::string>{"--cooling-seconds", "2"}, fmt::format("agent-{}", i));
    agents_[i].stopped = false;
  }

  // Of an agent that has ended.
  void Leftovers(const AgentProcess& agent) {
    Leases(agent);
    for (const std::string& file : agent.TemporaryFiles()) {
      if (!file.empty()) ++left_files_;
    }
  }

  // Epochs rise for each board and no lease is served twice.
  void Leases(const AgentProcess& agent) {
    for (const auto& event : agent.Events("run_done")) {
      const std::string board = event.at("board");
      const uint64_t epoch = event.at("epoch");
      if (!served_[board].insert(epoch).second) ++leased_twice_;
    }
  }

  void Kill(size_t i) {
    const std::vector<pid_t> below = agents_[i].process->Below();
    if (agents_[i].stopped) agents_[i].process->Signal(SIGCONT);
    agents_[i].process->Signal(SIGKILL);
    agents_[i].process->AwaitEnd(milliseconds(5000));
    for (int wait = 0; wait < 100 && !StillRunning(below).empty(); ++wait) {
      std::this_thread::sleep_for(milliseconds(20));
    }
    left_processes_ += StillRunning(below).size();
    StartAgent(i);
  }

  // One thing at random, on top of what there is already.
  void Befall() {
    ++events_;
    const auto i = static_cast<size_t>(Between(0, kAgents - 1));
    const bool of_client = Between(0, 3) == 0;
    FarmProxy& network =
        of_client ? *networks_[static_cast<size_t>(Between(0, kClients - 1))] : *agents_[i].network;
    const ProxyWay way = Between(0, 1) == 0 ? ProxyWay::kToServer : ProxyWay::kToClient;
    switch (Between(0, 11)) {
      case 0:
        return i == 0 ? void() : Kill(i);
      case 1:
        if (!agents_[i].stopped) agents_[i].process->Signal(SIGSTOP);
        agents_[i].stopped = true;
        return;
      case 2:
      case 3:
        for (Agent& agent : agents_) {
          if (agent.stopped) agent.process->Signal(SIGCONT);
          agent.stopped = false;
        }
        return;
      case 4:
        return network.SetBlackHole(way, true);
      case 5:
      case 6:
        network.SetBlackHole(ProxyWay::kToServer, false);
        return network.SetBlackHole(ProxyWay::kToClient, false);
      case 7:
        return network.Reset();
      case 8:
        return network.SetRefusing(Between(0, 2) == 0);
      case 9:
        return network.SetDelay(way, milliseconds(Between(0, 400)));
      case 10:
        return network.SetDelay(way, milliseconds(0));
      default:
        if (Between(0, 2) != 0 || second_half_) return;
        tracker_->Signal(SIGKILL);
        tracker_->AwaitEnd(milliseconds(5000));
        ++tracker_kills_;
        return StartTracker();
    }
  }

  void Heal() {
    for (Agent& agent : agents_) {
      if (agent.stopped) agent.process->Signal(SIGCONT);
      agent.stopped = false;
    }
    const auto heal = [](FarmProxy& network) {
      for (const ProxyWay way : {ProxyWay::kToServer, ProxyWay::kToClient}) {
        network.SetBlackHole(way, false);
        network.SetDelay(way, milliseconds(0));
      }
      network.SetRefusing(false);
    };
    for (Agent& agent : agents_) heal(*agent.network);
    for (auto& network : networks_) heal(*network);
  }

  void Measure(const std::shared_ptr<FarmClient>& client) {
    FarmExecutor executor(client, target_, never_);
    while (!closing_) {
      ++asked_;
      const auto begin = Clock::now();
      const RunOutcome outcome = executor.Run(request_, milliseconds(5000));
      ++ended_;
      const auto took = Clock::now() - begin;
      const std::lock_guard lock(mutex_);
      if (took > longest_) {
        longest_ = took;
        of_longest_ = fmt::format("{} {}", RunStatusName(outcome.status), outcome.message);
      }
      ++outcomes_[std::string(RunStatusName(outcome.status))];
      if (outcome.status == RunStatus::kOk) {
        ++ok_;
        wrong_ += IsRight(outcome) ? 0 : 1;
      } else if (ok_ % 500 == 0) {
        last_message_ = outcome.message;
      }
    }
  }

  bool IsRight(const RunOutcome& outcome) const {
    const EntryResult& r = outcome.reply.candidates.at(0).at(0);
    const std::vector<int64_t>& points = request_.candidates[0].entries[0].probe_points;
    for (size_t i = 0; i < points.size(); ++i) {
      if (r.probe_values.at(i) != CounterUniform(kSeed, 0, static_cast<uint64_t>(points[i]))) {
        return false;
      }
    }
    return r.poison_left == 0 && r.non_finite == 0 && r.guards_intact && r.inputs_intact;
  }

  // Boards that may be given work; "-": the tracker does not say.
  static std::string Ready() {
    const auto channel = grpc::CreateCustomChannel(
        kTracker, ChannelCredentialsFrom("", kTracker).value(), FarmChannelArguments());
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + milliseconds(500));
    farm::v1::FarmStatus status;
    if (!farm::v1::Admin::NewStub(channel)->GetStatus(&context, {}, &status).ok()) return "-";
    return fmt::to_string(std::count_if(status.boards().begin(), status.boards().end(),
                                        [](const auto& b) { return b.health() == "ready"; }));
  }

  void Tell(const std::string& minute) {
    const Weight tracker = WeightOf(*tracker_);
    Weight agents;
    for (const Agent& agent : agents_) {
      const Weight one = WeightOf(*agent.process);
      agents.resident_kib += one.resident_kib;
      agents.descriptors += one.descriptors;
      agents.below += one.below;
    }
    fmt::print("{:>6} {:7} {:6} {:5} {:6} {:>5} | {:11.1f} {:4} | {:10.1f} {:4} {:5}\n", minute,
               ended_.load(), ok_.load(), ended_ - ok_, events_, Ready(),
               static_cast<double>(tracker.resident_kib) / 1024, tracker.descriptors,
               static_cast<double>(agents.resident_kib) / 1024, agents.descriptors, agents.below);
    std::fflush(stdout);
  }

  int Verdict() {
    for (Agent& agent : agents_) {
      const std::vector<pid_t> below = agent.process->Below();
      agent.process->Signal(SIGTERM);
      if (!agent.process->AwaitEnd(milliseconds(20'000))) ++left_processes_;
      left_processes_ += StillRunning(below).size();
      Leftovers(*agent.process);
    }
    tracker_->Signal(SIGTERM);
    if (!tracker_->AwaitEnd(milliseconds(20'000))) ++left_processes_;
    fmt::print("{} events, {} of them kills of the tracker; {} requests asked, {} ended", events_,
               tracker_kills_, asked_.load(), ended_.load());
    for (const auto& [status, n] : outcomes_) fmt::print(", {} {}", n, status);
    const double share =
        static_cast<double>(wrong_) / static_cast<double>(std::max<int64_t>(1, ok_));
    fmt::print("\nwrong answers: {} ({:.2f} %, 1 % by script); longest request {:.0f} s: {}\n",
               wrong_, 100 * share, std::chrono::duration<double>(longest_).count(), of_longest_);
    fmt::print("leases served twice: {}, processes left: {}, files left by ended agents: {}\n",
               leased_twice_, left_processes_, left_files_);
    if (!last_message_.empty()) fmt::print("of what did not go well, one: {}\n", last_message_);
    fmt::print("connections through the proxies after: {} ({} before)\n", connections_after_,
               connections_before_);
    bool light = connections_after_ <= connections_before_ + 1;
    for (size_t i = 0; i < after_.size(); ++i) {
      const bool back = IsBackAt(before_[i], after_[i]);
      light = light && back;
      fmt::print("{} after: {}{}\n", i == 0 ? "tracker" : fmt::format("agent {}", i - 1),
                 Compared(before_[i], after_[i]), back ? "" : ", too much");
    }
    const bool good =
        asked_ == ended_ && leased_twice_ == 0 && left_processes_ == 0 && share < 0.02 && light;
    fmt::print("{}\n", good ? "all held" : "NOT all held");
    return good ? 0 : 1;
  }

  std::mt19937_64 random_;
  ScratchFolder folder_;
  const Device device_ = LoadDevice("rpi4", "simulated").value();
  RunRequest request_;
  FarmTarget target_;
  std::unique_ptr<LoggedProcess> tracker_;
  std::vector<Agent> agents_;
  std::vector<std::unique_ptr<FarmProxy>> networks_;  // of the clients
  const std::atomic<bool> never_{false};
  std::atomic<bool> closing_{false};
  bool second_half_ = false;
  std::atomic<int64_t> asked_{0}, ended_{0}, ok_{0};
  std::mutex mutex_;  // of the next five
  std::map<std::string, int64_t> outcomes_;
  int64_t wrong_ = 0;
  Clock::duration longest_{};
  std::string of_longest_, last_message_;
  std::map<std::string, std::set<uint64_t>> served_;  // epochs by board
  int64_t events_ = 0, tracker_kills_ = 0, leased_twice_ = 0;
  size_t left_processes_ = 0, left_files_ = 0;
  uint64_t connections_before_ = 0, connections_after_ = 0;  // through the proxies, quiet
  std::vector<Weight> before_, after_;  // of the tracker and the agents in the quiet minutes
};

}  // namespace
}  // namespace halyard

int main(int argc, char** argv) {
  const int minutes = argc > 1 ? std::atoi(argv[1]) : 0;
  if (minutes < 1 || argc > 3) {
    fmt::print(stderr, "farm_chaos MINUTES [SEED], such as farm_chaos 60\n");
    return 2;
  }
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  try {
    return halyard::Chaos(seed).Run(std::chrono::minutes(minutes));
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 4;
  }
}
