#include "rpc_farm/agent/process_tree.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace halyard {
namespace {

struct Process {
  pid_t pid = 0, parent = 0;
  bool zombie = false;
};

// All of the machine's. /proc/PID/task/TID/children would be less to read, but not every kernel has
// it, and it leaves out what is forked while it is read.
std::vector<Process> Processes() {
  std::vector<Process> all;
  std::error_code error;
  for (std::filesystem::directory_iterator at("/proc", error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename();
    Process p;
    if (std::from_chars(name.data(), name.data() + name.size(), p.pid).ec != std::errc()) continue;
    std::ifstream file(at->path() / "stat");
    std::string line;
    std::getline(file, line);
    // "PID (NAME) STATE PARENT ...", where NAME may have anything in it.
    const size_t close = line.rfind(')');
    if (close == std::string::npos || close + 4 >= line.size()) continue;
    p.zombie = line[close + 2] == 'Z' || line[close + 2] == 'X';
    const char* number = line.data() + close + 4;
    if (std::from_chars(number, line.data() + line.size(), p.parent).ec == std::errc()) {
      all.push_back(p);
    }
  }
  return all;
}

}  // namespace

std::vector<pid_t> DescendantsOf(pid_t ancestor) {
  const std::vector<Process> all = Processes();
  std::vector<pid_t> family = {ancestor}, found;
  for (size_t i = 0; i < family.size(); ++i) {
    for (const Process& p : all) {
      if (p.parent != family[i]) continue;
      family.push_back(p.pid);
      if (!p.zombie) found.push_back(p.pid);
    }
  }
  return found;
}

std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::vector<pid_t> children;
  for (const Process& p : Processes()) {
    if (p.parent == parent) children.push_back(p.pid);
  }
  return children;
}

bool KillDescendants(std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  for (;;) {
    const std::vector<pid_t> below = DescendantsOf(getpid());
    if (below.empty()) return true;
    // Stopped first: a process that forks faster than it is killed would never be caught up with.
    for (pid_t pid : below) kill(pid, SIGSTOP);
    for (pid_t pid : below) kill(pid, SIGKILL);
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace halyard
