// A program of the farm as a process that a test can signal and kill, and what it logged.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace halyard {

class LoggedProcess {
 public:
  // Its stderr goes to the end of `log`; it inherits nothing else that is open here but stdin and
  // stdout. `variables`: such as "TMPDIR=/tmp", beside this process's own.
  LoggedProcess(std::vector<std::string> argv, std::string log,
                const std::vector<std::string>& variables = {});
  ~LoggedProcess();  // kills what is left
  LoggedProcess(const LoggedProcess&) = delete;
  LoggedProcess& operator=(const LoggedProcess&) = delete;

  pid_t pid() const { return pid_; }
  void Signal(int signal) const;
  // Its exit code, or 128 and the signal's number; nothing: it still runs.
  std::optional<int> AwaitEnd(std::chrono::milliseconds limit);
  // That it has open now; 0: it has ended.
  size_t Descriptors() const;
  // Ids of the processes below it.
  std::vector<pid_t> Below() const;

  std::string Log() const;
  // The log's lines of this event, as they are; those that are no JSON are left out.
  std::vector<nlohmann::json> Events(const std::string& event) const;
  // The log's lines that are no events.
  std::vector<std::string> OtherLines() const;
  // Whether there are so many within the limit.
  bool AwaitEvents(const std::string& event, size_t count, std::chrono::milliseconds limit) const;

 private:
  const std::string log_;
  pid_t pid_ = 0;
  bool reaped_ = false;
};

// Those of them that still run.
std::vector<pid_t> StillRunning(const std::vector<pid_t>& pids);

}  // namespace halyard
