// This machine as a board behind a program that speaks adb's command line.
#include <fstream>

#include "tests/conformance/linked_conformance.h"
#include "tests/conformance/linux_conformance.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;

class AdbBoard final : public LinkedBoard {
 public:
  AdbBoard() : path_before_(std::getenv("PATH")) {
    device_.board = ParseBoardAddress("adb").value();
    fs::create_directories(scratch_.Path("bin"));
    fs::create_symlink(HALYARD_FAKE_ADB, scratch_.Path("bin/adb"));
    setenv("PATH", (scratch_.Path("bin:") + path_before_).c_str(), 1);
    setenv("FAKE_ADB", scratch_.Path(".").c_str(), 1);
    setenv("FAKE_ADB_SHELL", "mksh", 0);  // Android's
    setenv("HALYARD_BOARD_FOLDER", folder().c_str(), 1);
    Be("device");
  }
  ~AdbBoard() override {
    setenv("PATH", path_before_.c_str(), 1);
    unsetenv("FAKE_ADB");
    unsetenv("HALYARD_BOARD_FOLDER");
  }

  void Be(const std::string& state) { std::ofstream(scratch_.Path("state")) << state; }
  void HaveNoExitCodes() { std::ofstream(scratch_.Path("no_exit_codes")); }
  void CutConnection() override { std::ofstream(scratch_.Path("disconnect")); }

 private:
  std::string folder() const override { return scratch_.Path("board/halyard"); }

  ScratchFolder scratch_;
  const std::string path_before_;
};

std::unique_ptr<BoardUnderTest> MakeAdbBoard() { return std::make_unique<AdbBoard>(); }

// Older than Android 7.
std::unique_ptr<BoardUnderTest> MakeOldAdbBoard() {
  auto board = std::make_unique<AdbBoard>();
  board->HaveNoExitCodes();
  return board;
}

INSTANTIATE_TEST_SUITE_P(Adb, ExecutorConformance, testing::Values(&MakeAdbBoard));
INSTANTIATE_TEST_SUITE_P(OldAdb, ExecutorConformance, testing::Values(&MakeOldAdbBoard));
INSTANTIATE_TEST_SUITE_P(Adb, LinuxConformance, testing::Values(&MakeAdbBoard));
INSTANTIATE_TEST_SUITE_P(OldAdb, LinuxConformance, testing::Values(&MakeOldAdbBoard));
INSTANTIATE_TEST_SUITE_P(Adb, LinkedConformance, testing::Values(&MakeAdbBoard));
INSTANTIATE_TEST_SUITE_P(OldAdb, LinkedConformance, testing::Values(&MakeOldAdbBoard));

TEST(AdbErrors, EachNamesItsFix) {
  AdbBoard board;
  EXPECT_EQ(board.WhyNot(), "");
  board.Be("offline");
  EXPECT_THAT(board.WhyNot(), testing::HasSubstr("is offline: plug it in again"));
  board.Be("unauthorized");
  EXPECT_THAT(board.WhyNot(), testing::HasSubstr("accept the question for USB debugging"));
  board.Be("missing");
  EXPECT_THAT(board.WhyNot(), testing::HasSubstr("adb devices lists"));
}

TEST(AdbErrors, AnotherSerial) {
  AdbBoard board;
  board.ReachedBy("adb:NOSUCH");
  EXPECT_THAT(board.WhyNot(), testing::HasSubstr("adb NOSUCH: no such board"));
}

TEST(AdbErrors, ABoardThatIsFull) {
  AdbBoard board;
  board.Be("full");
  EXPECT_THAT(board.WhyNot(),
              testing::HasSubstr("the board runner does not fit on adb HALYARD0001: "
                                 "its disk is full; make room in"));
}

TEST(Adb, TheBoardIsNamedByItsSerial) {
  AdbBoard board;
  const auto executor = board.MakeExecutor();
  ASSERT_TRUE(executor.ok()) << executor.status();
  EXPECT_EQ((*executor)->board_id(), "HALYARD0001");
}

}  // namespace
}  // namespace halyard
