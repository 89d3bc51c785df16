// Which system calls a sandboxed program may make: allow-lists, as the kernel's filter programs.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace halyard {

enum class SystemCalls {
  kNative,    // of the board runner: memory, threads, clocks, reading of files
  kEmulator,  // those and what qemu-user makes besides: it writes the plugin's report
};

// A struct sock_filter array, as seccomp(2) and `bwrap --seccomp` take it. A call that is not on
// the list kills the whole process with SIGSYS; clone is on it for threads only, which is what
// keeps a candidate from forking. Internal: libseccomp refused a rule (a call this architecture
// does not have is left out).
absl::StatusOr<std::string> CompileFilter(SystemCalls calls);

}  // namespace halyard
