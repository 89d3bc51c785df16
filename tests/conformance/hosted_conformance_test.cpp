// This machine as a board whose executor is in a process of its own, as an agent has it.
#include "rpc_farm/agent/hosted_executor.h"
#include "tests/conformance/executor_conformance.h"

namespace halyard {
namespace {

class HostedBoardUnderTest final : public BoardUnderTest {
 public:
  HostedBoardUnderTest() : BoardUnderTest("host") {}

  absl::StatusOr<std::unique_ptr<Executor>> MakeExecutor() override {
    HostedBoard board;
    board.program = HALYARD_BOARD_HOST;
    board.device = "host local";
    board.kind = device_.board_kind();
    auto executor = std::make_unique<HostedExecutor>(processes_, board);
    const absl::Status ready = executor->AwaitReady({}, std::chrono::seconds(20));
    if (!ready.ok()) return ready;
    return executor;
  }

 private:
  HostProcesses processes_;
};

std::unique_ptr<BoardUnderTest> MakeHostedBoard() {
  return std::make_unique<HostedBoardUnderTest>();
}

// The host loads the device as it is, so a limit on memory is this machine's: the suite of Linux
// boards, which sets one, runs the same executor without a host.
INSTANTIATE_TEST_SUITE_P(Hosted, ExecutorConformance, testing::Values(&MakeHostedBoard));

}  // namespace
}  // namespace halyard
