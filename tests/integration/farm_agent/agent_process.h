// The real farm_agent as a process, with a folder of its own.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tests/conformance/scratch_folder.h"

namespace halyard {

class AgentProcess {
 public:
  // `boards`: the text of its boards file.
  AgentProcess(const std::string& tracker, const std::string& boards,
               const std::vector<std::string>& more = {});
  ~AgentProcess();  // kills what is left
  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;

  pid_t pid() const { return pid_; }
  void Signal(int signal) const;
  // Its exit code, or 128 and the signal's number; nothing: it still runs.
  std::optional<int> AwaitEnd(std::chrono::milliseconds limit);
  // Ids of the processes below it.
  std::vector<pid_t> Below() const;
  std::string Log() const;
  // Files left in the folder that it takes for temporary ones.
  std::vector<std::string> TemporaryFiles() const;
  std::string Path(const std::string& name) const { return folder_.Path(name); }

 private:
  ScratchFolder folder_;
  pid_t pid_ = 0;
  bool reaped_ = false;
};

// Those of them that still run.
std::vector<pid_t> StillRunning(const std::vector<pid_t>& pids);

}  // namespace halyard
