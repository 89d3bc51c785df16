// What a network that is cut and goes silent, again and again, leaves open at either end: nothing.
#include <gtest/gtest.h>

#include <thread>

#include "rpc_farm/security/grpc_log.h"
#include "tests/integration/farm_network/farm_network.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;

constexpr int kCuts = 12;
// A connection that goes silent is given up after 20 s, and dialled again after 10 s at most.
constexpr milliseconds kSilence{35'000}, kBack{60'000};
// A connection on its way in or out, a file that is being read.
constexpr size_t kSlack = 1;

TEST(Descriptors, AreGivenBackAfterCutsAndSilence) {
  KeepGrpcQuiet();  // as tune does
  NetworkFarm farm(/*certificates=*/true);
  const auto agents_proxy = farm.StartProxy(), clients_proxy = farm.StartProxy();
  const auto agent = farm.StartAgent("sim", 2, agents_proxy.get());
  const auto client = farm.Connect("ann", clients_proxy.get());
  ASSERT_TRUE(farm.SoonLive(2)) << agent->Log();
  const RunRequest run = farm.SleepingRun(10);
  const std::atomic<bool> never{false};
  const auto measure = [&] {
    FarmExecutor executor(client, NetworkFarm::BoardOf("sim"), never);
    const RunOutcome outcome = executor.Run(run, milliseconds(20'000));
    EXPECT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  };
  measure();
  const LoggedProcess& tracker = farm.tracker().process();
  const size_t of_tracker = tracker.Descriptors(), of_agent = agent->Descriptors();

  for (int i = 0; i < kCuts; ++i) {
    agents_proxy->Reset();
    clients_proxy->Reset();
    measure();
  }
  for (const bool silent : {true, false}) {
    for (FarmProxy* proxy : {agents_proxy.get(), clients_proxy.get()}) {
      proxy->SetBlackHole(ProxyWay::kToServer, silent);
    }
    if (silent) std::this_thread::sleep_for(kSilence);
  }
  measure();
  EXPECT_GE(agents_proxy->figures().accepted, static_cast<uint64_t>(kCuts));
  EXPECT_TRUE(
      NetworkFarm::Eventually([&] { return tracker.Descriptors() <= of_tracker + kSlack; }, kBack))
      << tracker.Descriptors() << " of the tracker, " << of_tracker << " before";
  EXPECT_TRUE(
      NetworkFarm::Eventually([&] { return agent->Descriptors() <= of_agent + kSlack; }, kBack))
      << agent->Descriptors() << " of the agent, " << of_agent << " before";
  // Nor are the proxies' connections, which are open in this process, handed on to a program that
  // is started now.
  const auto late = farm.StartAgent("late", 2);
  ASSERT_TRUE(farm.SoonLive(4)) << late->Log();
  EXPECT_LE(late->Descriptors(), of_agent + kSlack);
}

}  // namespace
}  // namespace halyard
