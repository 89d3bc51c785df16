// farm_chaos MINUTES [SEED]: everything that may befall a farm, at random, for so long. Agents are
// killed and stopped, another claims boards that are theirs, networks are slow, cut and silent, the
// tracker is killed; but the first agent never, and the tracker not in the second half, so that
// what they leak has time to add up. Three clients have sixteen requests in flight each; candidates
// that crash, hang, grab and lie run at sandboxed boards (bad_candidates.h), and who has no
// business here tries to get in (strangers.h). A minute without faults under the same load goes
// before and comes after. Prints memory and descriptors by the minute. Exits with 1 where a request
// did not end exactly once, an answer came that was not asked for, a bad candidate was taken for
// good, a stranger was let in, a board did not come back, or something was left over: processes,
// files, or connections, and descriptors and memory of the tracker and of each agent, beyond what
// there was in the minute before.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>

#include "targets/counter_rng.h"
#include "targets/device_snapshot.h"
#include "targets/timing_rules.h"
#include "tests/conformance/test_artifacts.h"
#include "tests/performance/farm_chaos/bad_candidates.h"
#include "tests/performance/farm_chaos/chaos_farm.h"
#include "tests/performance/farm_chaos/strangers.h"

namespace halyard {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kInFlight = 16, kBadInFlight = 3;  // of a client, of one client
constexpr milliseconds kBetweenStrangers{300};

class Chaos {
 public:
  explicit Chaos(uint64_t seed)
      : random_(seed), strangers_(farm_.kTracker, farm_.authority(), seed) {
    BuildCKernel(device_, folder_.Path("kernel.so"),
                 "for (long i = 0; i < N; ++i) OUT[i] = IN[i];");
    request_ = ShortRun(device_, folder_.Path("kernel.so"));
    request_.timing.min_sample_ns = 100'000'000;
    target_.device = device_.id;
    target_.kind = device_.board_kind();
    target_.snapshot = DeviceSnapshot(device_).dump();
  }

  int Run(std::chrono::minutes time) {
    std::vector<std::jthread> threads;
    for (size_t client = 0; client < ChaosFarm::kClients; ++client) {
      const std::shared_ptr<FarmClient> connected = farm_.Connect(client);
      for (int i = 0; i < kInFlight; ++i) {
        threads.emplace_back([this, connected] { Measure(connected); });
      }
      for (uint64_t i = 0; client == 0 && i < kBadInFlight; ++i) {
        threads.emplace_back([this, connected, i] { bad_.Run(connected, i, closing_); });
      }
    }
    threads.emplace_back([this] {
      while (!closing_) {
        strangers_.Try();
        std::this_thread::sleep_for(kBetweenStrangers);
      }
    });
    fmt::print(
        "minute   ended     ok other events ready | tracker MiB  fds | agents MiB  fds below\n");
    const Quiet before = BeQuiet();
    const auto begin = Clock::now();
    auto next = begin;
    while (Clock::now() - begin < time) {
      if (Clock::now() >= next) {
        Tell(fmt::to_string(
            std::chrono::duration_cast<std::chrono::minutes>(Clock::now() - begin).count()));
        while (next <= Clock::now()) next += std::chrono::minutes(1);  // it may have been paused
      }
      Befall(/*second_half=*/Clock::now() - begin > time / 2);
      std::this_thread::sleep_for(milliseconds(Between(500, 4000)));
    }
    Tell("end");
    farm_.Heal();
    const Quiet after = BeQuiet();
    closing_ = true;
    threads.clear();
    farm_.End();
    return Verdict(before, after);
  }

 private:
  // Of the farm under load and otherwise left alone.
  struct Quiet {
    std::vector<Weight> weights;  // of the tracker and the agents
    uint64_t connections = 0;
    int64_t live = 0;  // boards
  };

  Quiet BeQuiet() {
    // A connection that went silent is given up after 20 s, and dialled again after 10 s at most; a
    // board that another had is lost after 30 s.
    std::this_thread::sleep_for(std::chrono::seconds(45));
    Quiet quiet;
    quiet.weights = MostOver(farm_.processes(), std::chrono::seconds(20));
    quiet.connections = farm_.connections();
    if (const auto status = farm_.Status()) {
      quiet.live = std::count_if(status->boards().begin(), status->boards().end(),
                                 [](const auto& board) { return board.live(); });
    }
    Tell("quiet");
    return quiet;
  }

  int Between(int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random_);
  }

  // One thing at random, on top of what there is already.
  void Befall(bool second_half) {
    ++events_;
    const auto agent = static_cast<size_t>(Between(0, ChaosFarm::kAgents - 1));
    const auto client = static_cast<size_t>(Between(0, ChaosFarm::kClients - 1));
    FarmProxy& network =
        Between(0, 3) == 0 ? farm_.network_of_client(client) : farm_.network_of_agent(agent);
    const ProxyWay way = Between(0, 1) == 0 ? ProxyWay::kToServer : ProxyWay::kToClient;
    switch (Between(0, 12)) {
      case 0:
        return agent == 0 ? void() : farm_.Kill(agent);
      case 1:
        return farm_.Stop(agent);
      case 2:
      case 3:
        return farm_.ResumeAll();
      case 4:
        return network.SetBlackHole(way, true);
      case 5:
      case 6:
        return ChaosFarm::Heal(network);
      case 7:
        return network.Reset();
      case 8:
        return network.SetRefusing(Between(0, 2) == 0);
      case 9:
        return network.SetDelay(way, milliseconds(Between(0, 400)));
      case 10:
        return network.SetDelay(way, milliseconds(0));
      case 11:
        return farm_.Claim(agent);
      default:
        return Between(0, 2) != 0 || second_half ? void() : farm_.KillTracker();
    }
  }

  void Measure(const std::shared_ptr<FarmClient>& client) {
    const std::atomic<bool> never{false};
    FarmExecutor executor(client, target_, never);
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
        wrong_ += IsRightCopy(request_, outcome.reply.candidates.at(0).at(0)) ? 0 : 1;
      } else if (ok_ % 500 == 0) {
        last_message_ = outcome.message;
      }
    }
  }

  // "-": the tracker does not say.
  std::string Ready() const {
    const auto status = farm_.Status();
    if (!status) return "-";
    return fmt::to_string(
        std::count_if(status->boards().begin(), status->boards().end(),
                      [](const auto& board) { return board.health() == "ready"; }));
  }

  void Tell(const std::string& minute) {
    Weight tracker, agents;
    for (const LoggedProcess* process : farm_.processes()) {
      const Weight one = WeightOf(*process);
      if (process == farm_.processes().front()) {
        tracker = one;
        continue;
      }
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

  int Verdict(const Quiet& before, const Quiet& after) {
    const ChaosFarm::Figures& farm = farm_.figures();
    fmt::print("{} events: {} kills of the tracker, {} of agents, {} claims of another's boards\n",
               events_, farm.tracker_kills, farm.agent_kills, farm.claims);
    fmt::print("{} requests asked, {} ended", asked_.load(), ended_.load());
    for (const auto& [status, n] : outcomes_) fmt::print(", {} {}", n, status);
    const double share =
        static_cast<double>(wrong_) / static_cast<double>(std::max<int64_t>(1, ok_));
    fmt::print("\nwrong answers: {} ({:.2f} %, 1 % by script); longest request {:.0f} s: {}\n",
               wrong_, 100 * share, std::chrono::duration<double>(longest_).count(), of_longest_);
    if (!last_message_.empty()) fmt::print("of what did not go well, one: {}\n", last_message_);
    fmt::print("{}\n{}\n", bad_.Told(), strangers_.Told());
    fmt::print("leases served twice: {}, processes left: {}, files left by ended agents: {}\n",
               farm.leased_twice, farm.left_processes, farm.left_files);
    constexpr int64_t kAll = ChaosFarm::kAgents * ChaosFarm::kBoards;
    fmt::print("live boards after: {} of {} ({} before)\n", after.live, kAll, before.live);
    fmt::print("connections through the proxies after: {} ({} before)\n", after.connections,
               before.connections);
    bool light = after.connections <= before.connections + 1;
    for (size_t i = 0; i < after.weights.size(); ++i) {
      const bool back = IsBackAt(before.weights[i], after.weights[i]);
      light = light && back;
      fmt::print("{} after: {}{}\n", i == 0 ? "tracker" : fmt::format("agent {}", i - 1),
                 Compared(before.weights[i], after.weights[i]), back ? "" : ", too much");
    }
    const bool ended = asked_ == ended_ && farm.leased_twice == 0 && share < 0.02;
    const bool nothing_left = farm.left_processes == 0 && farm.left_files == 0 && light;
    const bool kept_out =
        bad_.taken_for_good() == 0 && strangers_.let_in() == 0 && strangers_.came_in() > 0;
    const bool good =
        ended && nothing_left && kept_out && before.live == kAll && after.live == kAll;
    fmt::print("{}\n", good ? "all held" : "NOT all held");
    return good ? 0 : 1;
  }

  std::mt19937_64 random_;
  ChaosFarm farm_;
  Strangers strangers_;
  BadCandidates bad_;
  const ScratchFolder folder_;
  const Device device_ = LoadDevice("rpi4", "simulated").value();
  RunRequest request_;
  FarmTarget target_;
  std::atomic<bool> closing_{false};
  std::atomic<int64_t> asked_{0}, ended_{0}, ok_{0};
  int64_t events_ = 0;
  std::mutex mutex_;  // of the rest
  std::map<std::string, int64_t> outcomes_;
  int64_t wrong_ = 0;
  Clock::duration longest_{};
  std::string of_longest_, last_message_;
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
