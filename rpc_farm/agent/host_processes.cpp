#include "rpc_farm/agent/host_processes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "rpc_farm/agent/process_tree.h"

namespace halyard {
namespace {

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> EnvironmentWith(const std::string& variable) {
  const std::string name = variable.substr(0, variable.find('=') + 1);
  std::vector<std::string> all = {variable};
  for (char** at = environ; *at != nullptr; ++at) {
    if (!std::string(*at).starts_with(name)) all.emplace_back(*at);
  }
  return all;
}

void AwaitEnd(pid_t pid, std::chrono::milliseconds limit) {
  const int process = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (process >= 0) {
    pollfd fd = {process, POLLIN, 0};
    poll(&fd, 1, static_cast<int>(limit.count()));
    close(process);
    return;
  }
  const auto end = std::chrono::steady_clock::now() + limit;
  siginfo_t info = {};
  while (waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0 &&
         std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

void Reap(pid_t pid) {
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

HostProcesses::HostProcesses() { prctl(PR_SET_CHILD_SUBREAPER, 1); }

HostProcesses::~HostProcesses() {
  for (pid_t host : running()) End(host, std::chrono::milliseconds(0));
  KillOrphans();
}

absl::StatusOr<pid_t> HostProcesses::Start(const std::vector<std::string>& argv, int socket,
                                           const std::string& scratch) {
  std::vector<std::string> arguments = argv, environment = EnvironmentWith("TMPDIR=" + scratch);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, socket, kSocketFd);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  pid_t pid = 0;
  int error = 0;
  {
    // Held until the host is known, or it would be taken for an orphan.
    const std::lock_guard lock(mutex_);
    // posix_spawn and not fork: gRPC has threads and atfork handlers that do not stand a fork, and
    // posix_spawn, which is a vfork and an exec in one, runs none. A host that died can therefore
    // be started again at any time.
    error = posix_spawn(&pid, arguments[0].c_str(), &files, &attributes, Pointers(arguments).data(),
                        Pointers(environment).data());
    if (error == 0) hosts_.insert(pid);
  }
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error == 0) return pid;
  return absl::UnavailableError(
      fmt::format("the board host {} cannot be started: {}", argv[0], std::strerror(error)));
}

void HostProcesses::End(pid_t host, std::chrono::milliseconds patience) {
  AwaitEnd(host, patience);
  // What is below it is found while it is still their ancestor; what it starts after that comes to
  // this process as an orphan.
  const std::vector<pid_t> below = DescendantsOf(host);
  kill(host, SIGKILL);
  for (pid_t pid : below) kill(pid, SIGKILL);
  Reap(host);
  {
    const std::lock_guard lock(mutex_);
    hosts_.erase(host);
  }
  KillOrphans();
}

std::set<pid_t> HostProcesses::running() const {
  const std::lock_guard lock(mutex_);
  return hosts_;
}

void HostProcesses::KillOrphans() {
  const std::lock_guard lock(mutex_);
  for (bool found = true; found;) {
    found = false;
    for (pid_t child : ChildrenOf(getpid())) {
      if (hosts_.count(child) != 0) continue;
      kill(child, SIGKILL);
      // Its own children come to this process now, and are found in the next round.
      Reap(child);
      found = true;
    }
  }
}

}  // namespace halyard
