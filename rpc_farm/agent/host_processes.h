// The board hosts of an agent as processes: starts them, ends them with all that is below them.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace halyard {

// Thread-safe. REQUIRES: nobody else in this process starts children; those that nobody here
// started are what a killed host left, and are killed.
class HostProcesses {
 public:
  // Makes this process a subreaper, so that whatever loses its host becomes its child.
  HostProcesses();
  ~HostProcesses();  // ends all that are left
  HostProcesses(const HostProcesses&) = delete;
  HostProcesses& operator=(const HostProcesses&) = delete;

  // Where a host finds its socket.
  static constexpr int kSocketFd = 3;

  // Starts argv[0] in a session of its own, with `socket` at kSocketFd and `scratch` as its TMPDIR.
  // Unavailable: says why not.
  absl::StatusOr<pid_t> Start(const std::vector<std::string>& argv, int socket,
                              const std::string& scratch);

  // Ends a host whose socket was closed or shut down: it gets `patience` to end what it runs and
  // itself, then it is killed, and what it leaves. Nothing of it is left when this returns.
  void End(pid_t host, std::chrono::milliseconds patience);

  std::set<pid_t> running() const;

 private:
  void KillOrphans();

  mutable std::mutex mutex_;
  std::set<pid_t> hosts_;
};

}  // namespace halyard
