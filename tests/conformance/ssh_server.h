// A real sshd of this user on a free port of the loopback, with keys, configuration and a board's
// folder of its own, and an `ssh` first on PATH that knows it.
#pragma once

#include <sys/types.h>

#include <string>

#include "tests/conformance/scratch_folder.h"

namespace halyard {

class SshServer {
 public:
  // Throws std::runtime_error with what is missing.
  SshServer();
  ~SshServer();
  SshServer(const SshServer&) = delete;
  SshServer& operator=(const SshServer&) = delete;

  std::string address() const;  // "ssh:127.0.0.1:PORT"
  std::string board_folder() const { return folder_.Path("cache/halyard"); }

  void CutConnections();  // kills what serves connections, not the listener
  void Stop();            // nobody listens any more
  void ForgetHostKey();   // the client knows no host
  void ChangeHostKey();   // the client knows another key of the host
  void ForgetUsersKey();  // the server takes nobody's key

 private:
  void Start();

  ScratchFolder folder_;
  std::string path_before_;
  int port_ = 0;
  pid_t pid_ = 0;
};

}  // namespace halyard
