// An agent that stands still for longer than its leases last, and then goes on as if nothing had
// been.
#include <gtest/gtest.h>
#include <signal.h>

#include <future>
#include <set>
#include <thread>

#include "tests/integration/farm_network/farm_network.h"
#include "tests/integration/farm_network/fault_runs.h"

namespace halyard {
namespace {

using farm::v1::RequestResult;
using std::chrono::milliseconds;

constexpr int kBoards = 10;
constexpr milliseconds kLease{3'000};

// Runs that are under way when their agent is frozen end in their hosts meanwhile: what it tells
// afterwards are results, all of them late. The campaign has a hundred of them.
TEST(FrozenAgent, LateResultsAreRefusedAndEachRequestEndsOnce) {
  NetworkFarm farm(/*certificates=*/false);
  const auto agent = farm.StartAgent("sim", kBoards);
  ASSERT_TRUE(farm.SoonLive(kBoards)) << agent->Log();
  const size_t idle = agent->Below().size();
  const auto client = farm.Connect("ann");
  const RunRequest run = farm.SleepingRun(1'500);
  std::atomic<bool> stop{false};
  size_t late = 0;
  const int rounds = FaultRuns(1);
  for (int round = 1; round <= rounds; ++round) {
    ASSERT_TRUE(farm.SoonLive(kBoards)) << farm.Status().DebugString();
    std::vector<std::future<absl::StatusOr<RequestResult>>> results;
    for (int i = 0; i < kBoards; ++i) {
      results.push_back(std::async(std::launch::async, [&] {
        return NetworkFarm::Measure(*client, "sim", run, kLease, stop);
      }));
    }
    const bool at_it = NetworkFarm::Eventually([&] {
      return farm.Status().running() == kBoards && agent->Below().size() >= idle + kBoards;
    });
    agent->Signal(SIGSTOP);
    std::this_thread::sleep_for(3 * kLease);
    // The leases are over, and nobody has the boards until their agent has stopped what ran.
    const auto frozen = farm.Status();
    agent->Signal(SIGCONT);
    EXPECT_TRUE(at_it) << agent->Log();
    EXPECT_EQ(frozen.running(), 0u) << frozen.DebugString();
    for (auto& result : results) {
      if (result.wait_for(kFarmSoon) != std::future_status::ready) stop = true;
      const auto ended = result.get();
      ASSERT_TRUE(ended.ok()) << ended.status() << farm.Status().DebugString();
      EXPECT_EQ(ended->end(), RequestResult::DONE);
      EXPECT_EQ(ended->losses(), 1u);
    }
    EXPECT_EQ(farm.Status().ended(), static_cast<uint64_t>(round * kBoards));
  }
  // Of each board and lease, told twice at most: as its end, and as the answer to its stop.
  std::set<std::string> refused;
  for (const auto& event : agent->Events("result_refused")) {
    refused.insert(event["board"].get<std::string>() + event["why"].get<std::string>());
  }
  for (const auto& event : agent->Events("run_done")) late += event["ms"] > kLease.count();
  EXPECT_EQ(refused.size(), static_cast<size_t>(rounds * kBoards)) << agent->Log();
  printf("late results: %zu, leases whose result was refused: %zu of %d\n", late, refused.size(),
         rounds * kBoards);
}

}  // namespace
}  // namespace halyard
