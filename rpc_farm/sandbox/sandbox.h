// What stands around one run of a candidate's machine code on this machine: namespaces by
// bubblewrap, an allow-list of system calls, nothing of the machine in sight but what it is given.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "rpc_farm/sandbox/system_call_filter.h"
#include "targets/child_process.h"

namespace halyard {

struct SandboxOptions {
  std::string bwrap = "bwrap";                // searched on PATH
  int64_t scratch_bytes = int64_t{16} << 20;  // of /tmp inside, which is gone with the run
};

// A program, and the files it may see, which it finds where they are outside. A readable one that
// is not there is not there inside either. argv[0] is searched on PATH; it has to be readable too.
struct SandboxedProgram {
  std::vector<std::string> argv;
  std::vector<std::string> readable;
  std::vector<std::string> writable;  // these must be there
  SystemCalls calls = SystemCalls::kNative;
};

// Inside, a program has user, process, network, mount, IPC, host name and control group namespaces
// of its own; it is nobody (65534), without capabilities and without a way to get any; its root is
// an empty, read-only tmpfs with the files it is given; there is no /proc, no /sys, no /dev, no
// network and no loopback to open a socket on. It dies as a whole with the process that started it.
//
// A kernel older than 5.16 turns speculative store bypass off in a filtered process unless it is
// booted with spec_store_bypass_disable=prctl: there, times taken inside are not those outside.
//
// RLIMIT_NPROC is left alone: it would count the user's processes outside too, and not bind root at
// all. The number of threads has no limit but the deadline and the memory.
class Sandbox {
 public:
  // Tries a program inside. FailedPrecondition: one line with what is missing and what to do.
  static absl::StatusOr<std::shared_ptr<const Sandbox>> Make(const SandboxOptions& options = {});

  // The command line that runs `program` inside. It expects the filter at descriptor kFilterFd and
  // passes every other descriptor on.
  std::vector<std::string> Command(const SandboxedProgram& program) const;
  static constexpr int kFilterFd = 3;
  // A file with the filter, to be closed by the caller; -1: there is none to be had now.
  int OpenFilter(SystemCalls calls) const;

  // RunChild inside, with the result as of the program itself: where a signal ended that, bwrap
  // exits with 128 and its number. Where bwrap could not begin, nothing was started.
  ChildResult Run(const SandboxedProgram& program, const std::string& input,
                  ChildLimits limits) const;

 private:
  explicit Sandbox(SandboxOptions options) : options_(std::move(options)) {}

  const SandboxOptions options_;
  std::string native_filter_, emulator_filter_;
};

}  // namespace halyard
