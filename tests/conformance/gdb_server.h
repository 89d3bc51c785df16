// A GDB server that somebody else started, as OpenOCD's is: qemu's, at a port of the loopback.
#pragma once

#include <sys/types.h>

#include <string>

namespace halyard {

class GdbServer {
 public:
  // qemu-system-arm's machine, halted. Throws std::runtime_error where it does not listen.
  explicit GdbServer(const std::string& machine);
  ~GdbServer();
  GdbServer(const GdbServer&) = delete;
  GdbServer& operator=(const GdbServer&) = delete;

  std::string address() const;  // "gdb:127.0.0.1:PORT"

 private:
  void Stop();

  int port_ = 0;
  pid_t pid_ = 0;
};

}  // namespace halyard
