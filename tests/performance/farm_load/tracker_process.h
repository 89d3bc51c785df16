// The real tracker as a process that can be killed.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "tests/performance/farm_load/load_channel.h"

namespace halyard {

class TrackerProcess {
 public:
  explicit TrackerProcess(std::string state) : state_(std::move(state)) { Start(); }
  ~TrackerProcess() { Kill(SIGTERM); }

  void Start() {
    const std::string program = FARM_TRACKER;
    std::vector<std::string> argv = {program, "--listen",  kAddress, "--state",
                                     state_,  "--metrics", kMetrics};
    std::vector<char*> pointers;
    for (std::string& a : argv) pointers.push_back(a.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    const std::string log = state_ + ".log";
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0644);
    posix_spawn(&pid_, program.c_str(), &actions, nullptr, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
  }
  void Kill(int signal) {
    kill(pid_, signal);
    waitpid(pid_, nullptr, 0);
  }
  // VmHWM: the most memory it had.
  int64_t PeakKib() const {
    std::ifstream file(fmt::format("/proc/{}/status", pid_));
    for (std::string line; std::getline(file, line);) {
      if (line.rfind("VmHWM:", 0) == 0) return std::atoll(line.c_str() + 6);
    }
    return 0;
  }

 private:
  std::string state_;
  pid_t pid_ = 0;
};

}  // namespace halyard
