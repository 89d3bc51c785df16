// An agent that is killed in the middle of a run, again and again.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <future>

#include "tests/integration/farm_network/farm_network.h"
#include "tests/integration/farm_network/fault_runs.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using farm::v1::RequestResult;

// Two hundred times in the campaign. Every third kill puts the board into quarantine, from
// which it has to prove itself.
TEST(KilledAgent, ItsRunIsRequeuedOnceAndNothingIsLeft) {
  NetworkFarm farm(/*certificates=*/false);
  const auto client = farm.Connect("ann");
  const RunRequest run = farm.SleepingRun(600);
  const std::atomic<bool> never{false};
  const int runs = FaultRuns(3);
  std::vector<double> noticed;
  auto agent = farm.StartAgent("sim");
  for (int i = 1; i <= runs; ++i) {
    SCOPED_TRACE(i);
    ASSERT_TRUE(farm.SoonLive(1)) << farm.Status().DebugString() << agent->Log();
    const size_t idle = agent->Below().size();
    auto result = std::async(std::launch::async, [&] {
      return NetworkFarm::Measure(*client, "sim", run, milliseconds(60'000), never);
    });
    EXPECT_TRUE(NetworkFarm::Eventually([&] { return agent->Below().size() > idle; }));
    const std::vector<pid_t> below = agent->Below();
    const uint64_t epoch = farm.Board("sim-1").epoch();
    agent->Signal(SIGKILL);
    const auto killed = Clock::now();
    EXPECT_EQ(agent->AwaitEnd(milliseconds(5'000)), 128 + SIGKILL);
    EXPECT_TRUE(NetworkFarm::Eventually([&] { return farm.Status().agents() == 0; }));
    noticed.push_back(std::chrono::duration<double>(Clock::now() - killed).count());
    EXPECT_TRUE(NetworkFarm::Eventually([&] { return StillRunning(below).empty(); }));
    EXPECT_TRUE(NetworkFarm::Eventually([&] { return agent->TemporaryFiles().empty(); }));
    agent = farm.StartAgent("sim");
    const auto ended = result.get();
    ASSERT_TRUE(ended.ok()) << ended.status();
    EXPECT_EQ(ended->end(), RequestResult::DONE);
    EXPECT_EQ(ended->losses(), 1u);
    const auto board = farm.Board("sim-1");
    EXPECT_EQ(board.epoch(), epoch + 1) << "one more lease";
    EXPECT_EQ(board.done(), static_cast<uint64_t>(i));
    EXPECT_EQ(board.losses(), static_cast<uint64_t>(i));
    EXPECT_EQ(farm.Status().ended(), static_cast<uint64_t>(i));
  }
  printf("%d kills: each requeued once, noticed within %.3f s at most\n", runs,
         *std::max_element(noticed.begin(), noticed.end()));
}

}  // namespace
}  // namespace halyard
