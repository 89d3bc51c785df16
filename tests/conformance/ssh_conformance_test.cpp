// This machine as a board behind a real sshd on the loopback.
#include "tests/conformance/linked_conformance.h"
#include "tests/conformance/linux_conformance.h"
#include "tests/conformance/ssh_server.h"

namespace halyard {
namespace {

class SshBoard final : public LinkedBoard {
 public:
  SshBoard() { device_.board = ParseBoardAddress(server_.address()).value(); }

  void CutConnection() override { server_.CutConnections(); }
  SshServer& server() { return server_; }

 private:
  std::string folder() const override { return server_.board_folder(); }

  SshServer server_;
};

std::unique_ptr<BoardUnderTest> MakeSshBoard() { return std::make_unique<SshBoard>(); }

INSTANTIATE_TEST_SUITE_P(Ssh, ExecutorConformance, testing::Values(&MakeSshBoard));
INSTANTIATE_TEST_SUITE_P(Ssh, LinuxConformance, testing::Values(&MakeSshBoard));
INSTANTIATE_TEST_SUITE_P(Ssh, LinkedConformance, testing::Values(&MakeSshBoard));

TEST(SshErrors, EachNamesItsFix) {
  SshBoard board;
  EXPECT_EQ(board.WhyNot(), "");
  board.server().ForgetHostKey();
  EXPECT_THAT(board.WhyNot(), testing::HasSubstr("the host key of ssh 127.0.0.1 is not known here: "
                                                 "run ssh -p "));
  board.server().ChangeHostKey();
  EXPECT_THAT(board.WhyNot(), testing::HasSubstr("ssh-keygen -R '[127.0.0.1]:"));
}

TEST(SshErrors, AKeyThatIsNotTaken) {
  SshBoard board;
  board.server().ForgetUsersKey();
  EXPECT_THAT(board.WhyNot(), testing::HasSubstr("takes none of your keys: run ssh-copy-id -p "));
}

TEST(SshErrors, NobodyListens) {
  SshBoard board;
  board.server().Stop();
  EXPECT_THAT(board.WhyNot(), testing::HasSubstr("refuses the connection"));
}

TEST(SshErrors, ABoardOfAnotherArchitecture) {
  SshBoard board;
  board.Become("rpi4");
  EXPECT_THAT(board.WhyNot(), testing::HasSubstr("the device file says triplet aarch64-linux-gnu"));
}

TEST(SshErrors, ABoardWhoseFolderCannotBeMade) {
  SshBoard board;
  setenv("HALYARD_BOARD_FOLDER", "/proc/halyard", 1);
  EXPECT_THAT(board.WhyNot(), testing::HasSubstr("no folder can be made in '/proc/halyard'"));
  unsetenv("HALYARD_BOARD_FOLDER");
}

}  // namespace
}  // namespace halyard
