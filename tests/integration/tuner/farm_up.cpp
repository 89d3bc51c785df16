#include "tests/integration/tuner/farm_up.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "tests/conformance/loopback_port.h"
#include "tests/conformance/sandbox_here.h"

namespace halyard {

FarmUp::FarmUp() : port_(FreeLoopbackPort()), address_("127.0.0.1:" + std::to_string(port_)) {}

FarmUp::~FarmUp() {
  if (pid_ > 0) Stop();
}

void FarmUp::Start(const std::string& boards) {
  std::ofstream(folder_.Path("boards.json")) << boards;
  std::vector<std::string> argv = {std::getenv("HALYARD_TUNE_PROGRAM"),
                                   "farm",
                                   "up",
                                   "--listen",
                                   address_,
                                   "--state",
                                   folder_.Path("state"),
                                   "--boards",
                                   folder_.Path("boards.json")};
  for (const std::string& flag : AgentFlags()) argv.push_back(flag);
  std::vector<char*> pointers;
  for (std::string& a : argv) pointers.push_back(a.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, folder_.Path("up.txt").c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0644);
  ASSERT_EQ(posix_spawn(&pid_, pointers[0], &actions, nullptr, pointers.data(), environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  for (int i = 0; i < 600 && Said().find("serves at") == std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  ASSERT_THAT(Said(), testing::HasSubstr("serves at " + address_));
}

void FarmUp::Stop() {
  ASSERT_EQ(kill(pid_, SIGINT), 0);
  int status = 0;
  ASSERT_EQ(waitpid(pid_, &status, 0), pid_);
  pid_ = 0;
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << Said();
  EXPECT_FALSE(ListensAt(port_));
}

std::string FarmUp::Read(const std::string& name) const {
  std::ifstream file(folder_.Path(name));
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace halyard
