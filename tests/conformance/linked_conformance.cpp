#include "tests/conformance/linked_conformance.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

namespace halyard {
namespace {

using std::chrono::milliseconds;

TEST_P(LinkedConformance, AnExecutorThatEndsLeavesOnlyTheRunner) {
  BuildCKernel(device(), artifact_, kDouble);
  ASSERT_EQ(Run(Request(ElementwiseEntry(64))).status, RunStatus::kOk);
  executor_.reset();
  EXPECT_TRUE(NothingRunsOnBoard());
  EXPECT_EQ(board_->FilesOnBoard(), std::vector<std::string>{});
}

TEST_P(LinkedConformance, AConnectionCutMidRunIsALostBoardAndNothingRunsOn) {
  BuildCKernel(device(), artifact_, kDouble);
  const RunRequest harmless = Request(ElementwiseEntry(64));
  ASSERT_EQ(Run(harmless).status, RunStatus::kOk);
  const std::string endless = folder_.Path("endless.so");
  BuildCKernel(device(), endless, "for (;;) OUT[0] = IN[0];");
  RunRequest request = harmless;
  request.candidates[0].artifact_path = endless;
  std::thread puller([&] {
    // Once the runner is at it.
    for (int i = 0; i < 500 && board_->ProcessesOnBoard().size() < 2; ++i) {
      std::this_thread::sleep_for(milliseconds(10));
    }
    linked().CutConnection();
  });
  const auto start = std::chrono::steady_clock::now();
  const RunOutcome outcome = Run(request, milliseconds(20'000));
  puller.join();
  EXPECT_EQ(outcome.status, RunStatus::kBoardLost) << outcome.message;
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(15'000));
  EXPECT_TRUE(NothingRunsOnBoard());
  const RunOutcome again = Run(harmless);
  EXPECT_EQ(again.status, RunStatus::kOk) << again.message;
}

TEST_P(LinkedConformance, ATunerThatIsKilledLeavesNothingRunningOnTheBoard) {
  BuildCKernel(device(), artifact_, "for (;;) OUT[0] = IN[0];");
  const RunRequest request = Request(ElementwiseEntry(64));
  const pid_t tuner = fork();
  if (tuner == 0) {
    Run(request, milliseconds(60'000));
    _exit(0);
  }
  const bool seen = Eventually([&] { return !board_->ProcessesOnBoard().empty(); });
  kill(tuner, SIGKILL);
  waitpid(tuner, nullptr, 0);
  EXPECT_TRUE(seen);
  EXPECT_TRUE(NothingRunsOnBoard());
}

}  // namespace
}  // namespace halyard
