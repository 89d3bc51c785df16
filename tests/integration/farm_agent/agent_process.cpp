#include "tests/integration/farm_agent/agent_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "rpc_farm/agent/process_tree.h"
#include "tests/conformance/sandbox_here.h"

namespace halyard {

AgentProcess::AgentProcess(const std::string& tracker, const std::string& boards,
                           const std::vector<std::string>& more) {
  std::ofstream(Path("boards.json")) << boards;
  std::filesystem::create_directory(Path("tmp"));
  std::vector<std::string> argv = {HALYARD_FARM_AGENT, "--tracker",         tracker,
                                   "--boards",         Path("boards.json"), "--name",
                                   "test-agent",       "--cache",           Path("cache")};
  argv.insert(argv.end(), more.begin(), more.end());
  for (const std::string& flag : AgentFlags()) argv.push_back(flag);
  std::vector<char*> pointers;
  for (std::string& argument : argv) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const std::string temporary = Path("tmp"), log = Path("log");
  setenv("TMPDIR", temporary.c_str(), 1);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, log.c_str(),
                                   O_CREAT | O_WRONLY | O_APPEND, 0600);
  const int error =
      posix_spawn(&pid_, HALYARD_FARM_AGENT, &files, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  unsetenv("TMPDIR");
  if (error != 0) throw std::runtime_error("farm_agent cannot be started");
}

AgentProcess::~AgentProcess() {
  if (reaped_) return;
  Signal(SIGKILL);
  AwaitEnd(std::chrono::milliseconds(10'000));
}

void AgentProcess::Signal(int signal) const { kill(pid_, signal); }

std::optional<int> AgentProcess::AwaitEnd(std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  do {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      reaped_ = true;
      return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  } while (std::chrono::steady_clock::now() < end);
  return std::nullopt;
}

std::vector<pid_t> AgentProcess::Below() const { return DescendantsOf(pid_); }

std::string AgentProcess::Log() const {
  std::ifstream file(Path("log"));
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string> AgentProcess::TemporaryFiles() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(Path("tmp"))) {
    names.push_back(entry.path().filename());
  }
  return names;
}

std::vector<pid_t> StillRunning(const std::vector<pid_t>& pids) {
  std::vector<pid_t> running;
  for (pid_t pid : pids) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    std::getline(file, line);
    const size_t close = line.rfind(')');
    // A zombie runs no more, whoever is slow to reap it.
    if (close != std::string::npos && line[close + 2] != 'Z') running.push_back(pid);
  }
  return running;
}

}  // namespace halyard
