// One board of an agent: started by it, never by a person.
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "rpc_farm/agent/board_host.h"
#include "rpc_farm/agent/host_processes.h"

int main(int argc, char** argv) {
  using halyard::HostProcesses;
  const bool unsafe = argc == 4 && argv[3] == std::string("--") + halyard::kUnsafeNoSandbox;
  if (argc != 3 && !unsafe) {
    std::fputs("board_host: is started by farm_agent, as board_host DEVICE AGENT_PID\n", stderr);
    return 2;
  }
  // Whatever else the agent has open (its connections, its key) is none of a candidate's business.
  syscall(SYS_close_range, HostProcesses::kSocketFd + 1, ~0u, 0u);
  halyard::ServeBoard({argv[1], !unsafe}, HostProcesses::kSocketFd, std::atoi(argv[2]));
}
