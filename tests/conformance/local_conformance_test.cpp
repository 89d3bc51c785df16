// This machine as the board.
#include "tests/conformance/linux_conformance.h"

namespace halyard {
namespace {

std::unique_ptr<BoardUnderTest> MakeLocalBoard() {
  return std::make_unique<BoardUnderTest>("host");
}

INSTANTIATE_TEST_SUITE_P(Local, ExecutorConformance, testing::Values(&MakeLocalBoard));
INSTANTIATE_TEST_SUITE_P(Local, LinuxConformance, testing::Values(&MakeLocalBoard));

}  // namespace
}  // namespace halyard
