// The boards of this machine again, with every candidate in a sandbox.
#include "rpc_farm/sandbox/sandbox.h"
#include "tests/conformance/linux_conformance.h"
#include "tests/conformance/sandbox_here.h"

namespace halyard {
namespace {

class SandboxedBoard final : public BoardUnderTest {
 public:
  explicit SandboxedBoard(const std::string& device_id) : BoardUnderTest(device_id) {}
  std::string Lacks() const override { return std::string(SandboxHere().message()); }
  absl::StatusOr<std::unique_ptr<Executor>> MakeExecutor() override {
    auto sandbox = Sandbox::Make();
    if (!sandbox.ok()) return sandbox.status();
    return halyard::MakeExecutor(device_, *std::move(sandbox));
  }
};

std::unique_ptr<BoardUnderTest> MakeLocalBoard() {
  return std::make_unique<SandboxedBoard>("host");
}
std::unique_ptr<BoardUnderTest> MakeQemuBoard() { return std::make_unique<SandboxedBoard>("rpi4"); }

INSTANTIATE_TEST_SUITE_P(SandboxedLocal, ExecutorConformance, testing::Values(&MakeLocalBoard));
INSTANTIATE_TEST_SUITE_P(SandboxedQemuUser, ExecutorConformance, testing::Values(&MakeQemuBoard));
INSTANTIATE_TEST_SUITE_P(SandboxedLocal, LinuxConformance, testing::Values(&MakeLocalBoard));
INSTANTIATE_TEST_SUITE_P(SandboxedQemuUser, LinuxConformance, testing::Values(&MakeQemuBoard));

}  // namespace
}  // namespace halyard
