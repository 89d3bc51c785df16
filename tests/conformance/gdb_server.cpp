#include "tests/conformance/gdb_server.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "tests/conformance/loopback_port.h"

namespace halyard {

GdbServer::GdbServer(const std::string& machine) : port_(FreeLoopbackPort()) {
  const std::string debugger = fmt::format("tcp:127.0.0.1:{}", port_);
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execlp("qemu-system-arm", "qemu-system-arm", "-M", machine.c_str(), "-nodefaults", "-display",
           "none", "-S", "-icount", "shift=6,sleep=off", "-gdb", debugger.c_str(), nullptr);
    _exit(127);
  }
  if (!SoonListensAt(port_)) {
    Stop();
    throw std::runtime_error("qemu-system-arm -M " + machine + " does not listen for a debugger");
  }
}

GdbServer::~GdbServer() { Stop(); }

void GdbServer::Stop() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::string GdbServer::address() const { return fmt::format("gdb:127.0.0.1:{}", port_); }

}  // namespace halyard
