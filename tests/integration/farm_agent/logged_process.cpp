#include "tests/integration/farm_agent/logged_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <utility>

#include "rpc_farm/agent/process_tree.h"

namespace halyard {
namespace {

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

LoggedProcess::LoggedProcess(std::vector<std::string> argv, std::string log,
                             const std::vector<std::string>& variables)
    : log_(std::move(log)) {
  // The first of a name is the one that counts.
  std::vector<std::string> environment = variables;
  for (char** at = environ; *at != nullptr; ++at) environment.emplace_back(*at);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, log_.c_str(),
                                   O_CREAT | O_WRONLY | O_APPEND, 0600);
  // A proxy's connections are open in this process: inherited, they would count as the program's,
  // and a cut would be none, for the other end learns of it when the last descriptor is closed.
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  const int error = posix_spawn(&pid_, argv[0].c_str(), &files, nullptr, Pointers(argv).data(),
                                Pointers(environment).data());
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) throw std::runtime_error(argv[0] + " cannot be started");
}

LoggedProcess::~LoggedProcess() {
  if (reaped_) return;
  Signal(SIGKILL);
  AwaitEnd(std::chrono::milliseconds(10'000));
}

void LoggedProcess::Signal(int signal) const { kill(pid_, signal); }

std::optional<int> LoggedProcess::AwaitEnd(std::chrono::milliseconds limit) {
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

size_t LoggedProcess::Descriptors() const {
  std::error_code error;
  size_t open = 0;
  for (std::filesystem::directory_iterator at(fmt::format("/proc/{}/fd", pid_), error), end;
       !error && at != end; at.increment(error)) {
    ++open;
  }
  return open;
}

std::vector<pid_t> LoggedProcess::Below() const { return DescendantsOf(pid_); }

std::string LoggedProcess::Log() const {
  std::ifstream file(log_);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<nlohmann::json> LoggedProcess::Events(const std::string& event) const {
  std::vector<nlohmann::json> events;
  std::ifstream file(log_);
  for (std::string line; std::getline(file, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (json.is_object() && json.value("event", "") == event) events.push_back(json);
  }
  return events;
}

std::vector<std::string> LoggedProcess::OtherLines() const {
  std::vector<std::string> others;
  std::ifstream file(log_);
  for (std::string line; std::getline(file, line);) {
    if (!nlohmann::json::accept(line)) others.push_back(line);
  }
  return others;
}

bool LoggedProcess::AwaitEvents(const std::string& event, size_t count,
                                std::chrono::milliseconds limit) const {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (Events(event).size() < count) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
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
