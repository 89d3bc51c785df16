// What a farm makes of boards that differ, wobble and lag: the real tracker and agent, simulated
// boards, and what the tuner decides by.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <map>
#include <mutex>
#include <thread>

#include "rpc_farm/client/farm_executor.h"
#include "rpc_farm/tracker/server/tracker_server.h"
#include "targets/device_snapshot.h"
#include "tests/conformance/test_artifacts.h"
#include "tests/integration/farm_agent/agent_process.h"
#include "tuner/final.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kDeadline{60'000};

std::string Rounds(int rounds) {
  return "for (long k = 0; k < " + std::to_string(rounds) +
         "; ++k) for (long i = 0; i < N; ++i) OUT[i] = IN[i];";
}

// A tracker, an agent with these boards, and a client.
class Farm {
 public:
  explicit Farm(const std::string& boards, const std::vector<std::string>& agent_options = {}) {
    TrackerOptions options;
    options.address = "127.0.0.1:0";
    options.state = folder_.Path("state");
    tracker_ = TrackerServer::Start(options, log_).value();
    const std::string address = "127.0.0.1:" + std::to_string(tracker_->port());
    agent_ = std::make_unique<AgentProcess>(address, boards, agent_options);
    FarmClientOptions client;
    client.address = address;
    client.user = "somebody";
    client_ = FarmClient::Connect(client).value();
  }

  FarmExecutor Executor() {
    const Device device = LoadDevice("rpi4", "simulated").value();
    FarmTarget target;
    target.device = device.id;
    target.kind = device.board_kind();
    target.snapshot = DeviceSnapshot(device).dump();
    return {client_, target, stop_};
  }
  bool AwaitBoards(int boards) {
    FarmExecutor executor = Executor();
    for (int i = 0; i < 1000; ++i) {
      if (executor.FindBoards().ok() && executor.boards() == boards) return true;
      std::this_thread::sleep_for(milliseconds(20));
    }
    return false;
  }
  std::string AgentLog() const { return agent_->Log(); }

 private:
  const ScratchFolder folder_;
  const FarmLog log_{"farm_tracker"};
  std::unique_ptr<TrackerServer> tracker_;
  std::unique_ptr<AgentProcess> agent_;
  std::shared_ptr<FarmClient> client_;
  const std::atomic<bool> stop_{false};
};

class SimulatedFarm : public testing::Test {
 protected:
  std::string Build(int rounds) {
    const std::string path = folder_.Path(std::to_string(rounds) + ".so");
    BuildCKernel(device_, path, Rounds(rounds));
    return path;
  }
  RunRequest Measure(const std::string& artifact) const {
    RunRequest request = ShortRun(device_, artifact);
    request.timing = {};
    return request;
  }
  // As the tuner finds a winner: both screened, the better one first, then side by side.
  bool SecondWins(FarmExecutor& executor, const std::string& a, const std::string& b) {
    double screened[2];
    const std::string* paths[2] = {&a, &b};
    for (int i = 0; i < 2; ++i) {
      const RunOutcome run = executor.Run(Measure(*paths[i]), kDeadline);
      EXPECT_EQ(run.status, RunStatus::kOk) << run.message;
      if (run.status != RunStatus::kOk) return false;
      screened[i] = MedianSample(run.reply.candidates.at(0).at(0).samples_ns);
    }
    const bool second_first = screened[1] < screened[0];
    RunRequest both = Measure(second_first ? b : a);
    both.mode = RunMode::kInterleave;
    both.rounds = 25;  // the most of a final, which short kernels get
    both.candidates.push_back(both.candidates[0]);
    both.candidates[1].artifact_path = second_first ? a : b;
    const RunOutcome run = executor.Run(both, kDeadline);
    EXPECT_EQ(run.status, RunStatus::kOk) << run.message;
    if (run.status != RunStatus::kOk) return false;
    const std::vector<std::vector<double>> times = {run.reply.candidates.at(0).at(0).samples_ns,
                                                    run.reply.candidates.at(1).at(0).samples_ns};
    moved_ += ChooseWinner(times) == 1;
    return (ChooseWinner(times) == 1) != second_first;
  }
  // Over `pairs` pairs, by four clients at once; what SecondWins says.
  int CountSecondWins(Farm& farm, const std::string& a, const std::string& b, int pairs) {
    std::atomic<int> next{0}, wins{0};
    moved_ = 0;
    std::vector<std::jthread> clients;
    for (int i = 0; i < 4; ++i) {
      clients.emplace_back([&] {
        FarmExecutor executor = farm.Executor();
        while (next++ < pairs) wins += SecondWins(executor, a, b);
      });
    }
    clients.clear();
    return wins;
  }

  const ScratchFolder folder_;
  const Device device_ = LoadDevice("rpi4", "simulated").value();
  std::atomic<int> moved_{0};  // pairs of which the better screened one was not the winner
};

TEST_F(SimulatedFarm, RanksThreePercentApartUnderTwoPercentOfNoiseAndDoesNotRankEqualOnes) {
  constexpr int kPairs = 200;
  const std::string slow = Build(103), fast = Build(100);
  const Device pi = LoadDevice("rpi4", "virtual").value();
  double cycles[2];
  for (int i = 0; i < 2; ++i) {
    RunRequest counted = Measure(i == 0 ? slow : fast);
    counted.mode = RunMode::kCount;
    counted.caches_warm = true;
    const RunOutcome run = MakeExecutor(pi).value()->Run(counted, kDeadline);
    ASSERT_EQ(run.status, RunStatus::kOk) << run.message;
    cycles[i] = run.reply.candidates.at(0).at(0).serial_cycles;
  }
  Farm farm(R"({"boards": [{"name": "sim", "device": "rpi4", "board": "simulated", "count": 8,
                "simulation": {"noise": 0.02, "speed_spread": 0.3, "pace": 0}}]})");
  ASSERT_TRUE(farm.AwaitBoards(8)) << farm.AgentLog();
  const int right = CountSecondWins(farm, slow, fast, kPairs);
  std::printf("apart by %.2f %%: %d of %d ranked right, %d by the final alone\n",
              100 * (cycles[0] / cycles[1] - 1), right, kPairs, moved_.load());
  EXPECT_NEAR(cycles[0] / cycles[1], 1.03, 0.002);
  EXPECT_GE(right, kPairs * 95 / 100);
  // Two screenings on boards that differ by a third misorder half of the pairs without a ruler; by
  // it a tenth: 2.4 % is the deviation of their ratio, canaries' noise included.
  EXPECT_LE(moved_, kPairs / 4) << "the screenings are not on one ruler";
  CountSecondWins(farm, fast, fast, kPairs);
  std::printf("equal: %d of %d declared different\n", moved_.load(), kPairs);
  EXPECT_LE(moved_, kPairs * 5 / 100);
}

// Two farms side by side, so that what else the machine does slows both down.
TEST_F(SimulatedFarm, ABoardTenTimesAsSlowTakesNothingFromTheOthers) {
  const auto boards = [](const char* last) {
    return R"({"boards": [{"name": "sim", "device": "rpi4", "board": "simulated", "count": 9},
               {"name": "last", "device": "rpi4", "board": "simulated",
                "simulation": {"speed": )" +
           std::string(last) + "}}]}";
  };
  const std::string kernel = Build(300);
  RunRequest request = Measure(kernel);
  // Of a number of runs and not of a time, which a slow board would fill as well as a fast one.
  request.timing.min_sample_ns = 0;
  request.timing.cap_ns = 100'000'000'000;
  request.timing.samples = 200;
  Farm even(boards("1")), uneven(boards("0.1"));
  std::map<Farm*, std::map<std::string, int>> done;
  std::mutex mutex;
  for (Farm* farm : {&even, &uneven}) {
    ASSERT_TRUE(farm->AwaitBoards(10)) << farm->AgentLog();
    // Not to wait for the emulation while it counts.
    ASSERT_EQ(farm->Executor().Run(request, kDeadline).status, RunStatus::kOk);
  }
  const auto end = Clock::now() + std::chrono::seconds(6);
  std::vector<std::jthread> clients;
  for (Farm* farm : {&even, &uneven}) {
    for (int i = 0; i < 20; ++i) {
      clients.emplace_back([&, farm] {
        FarmExecutor executor = farm->Executor();
        while (Clock::now() < end) {
          const RunOutcome run = executor.Run(request, kDeadline);
          EXPECT_EQ(run.status, RunStatus::kOk) << run.message;
          const std::lock_guard lock(mutex);
          ++done[farm][executor.board_id()];
        }
      });
    }
  }
  clients.clear();
  const auto others = [&](Farm& farm) {
    int sum = 0;
    for (const auto& [board, runs] : done[&farm]) sum += board == "last" ? 0 : runs;
    return sum;
  };
  std::printf(
      "nine boards in 6 s: %d runs beside one as fast (%d), %d beside one at a tenth (%d)\n",
      others(even), done[&even]["last"], others(uneven), done[&uneven]["last"]);
  EXPECT_GE(others(uneven), others(even) * 95 / 100);
  EXPECT_LE(done[&uneven]["last"], done[&even]["last"] / 4);
  EXPECT_GE(done[&uneven]["last"], 1);
}

}  // namespace
}  // namespace halyard
