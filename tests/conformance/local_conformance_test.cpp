// This machine as the board.
#include "tests/conformance/executor_conformance.h"

namespace halyard {
namespace {

class LocalBoard final : public BoardUnderTest {
 public:
  LocalBoard() : BoardUnderTest("host") {}
};

std::unique_ptr<BoardUnderTest> MakeLocalBoard() { return std::make_unique<LocalBoard>(); }

INSTANTIATE_TEST_SUITE_P(Local, ExecutorConformance, testing::Values(&MakeLocalBoard));

}  // namespace
}  // namespace halyard
