#include "rpc_farm/sandbox/system_call_filter.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

namespace halyard {
namespace {

// Names and not numbers: libseccomp has the numbers of every architecture.
constexpr const char* kBoth[] = {
    // memory
    "brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "membarrier",
    // threads, and waiting
    "futex", "set_robust_list", "set_tid_address", "rseq", "sched_yield", "sched_getaffinity",
    "gettid", "getpid", "nanosleep", "clock_nanosleep", "clock_gettime", "clock_getres",
    "gettimeofday", "restart_syscall", "arch_prctl",
    // signals: nobody but itself is in reach, its first process is deaf to it
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "tgkill", "kill",
    // files that are open or may be read; writing to what is open
    "read", "write", "readv", "writev", "pread64", "close", "lseek", "fstat", "newfstatat", "stat",
    "lstat", "statx", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "getcwd",
    "getdents64", "dup", "dup2", "dup3",
    // what a C library asks when it starts
    "uname", "sysinfo", "getrandom", "getrlimit", "prlimit64", "getuid", "geteuid", "getgid",
    "getegid",
    // the program itself is started under the filter, and bwrap waits for it under the filter
    "execve", "wait4", "exit", "exit_group"};

constexpr const char* kEmulatorOnly[] = {"fcntl",
                                         "ioctl",
                                         "poll",
                                         "ppoll",
                                         "pwrite64",
                                         "ftruncate",
                                         "unlink",
                                         "sched_setaffinity",
                                         "sched_getparam",
                                         "sched_getscheduler",
                                         "sched_setscheduler",
                                         "rt_sigpending",
                                         "rt_sigtimedwait",
                                         "rt_sigsuspend",
                                         "pipe2",
                                         "eventfd2",
                                         "getppid",
                                         "getpgid",
                                         "mincore",
                                         "msync",
                                         "getrusage",
                                         "setrlimit",
                                         "times",
                                         "umask",
                                         "set_mempolicy",
                                         "get_mempolicy"};

constexpr uint64_t kNewNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr uint64_t kOfAThread = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND;
constexpr uint64_t kWrites = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);

class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_KILL_PROCESS), seccomp_release) {
    if (context_ == nullptr) Note(-ENOMEM, "seccomp_init");
    if (error_ != 0) return;
    Note(seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS),
         "the action on a foreign architecture");
    // bwrap has set it, and the filter is only exported here.
    Note(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_NNP, 0), "no_new_privs");
    // A binary tree: a futex call is not to pay for the length of the list.
    Note(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "the order of the rules");
  }

  template <typename... Conditions>
  void Allow(const char* name, Conditions... conditions) {
    Add(SCMP_ACT_ALLOW, name, conditions...);
  }
  template <typename... Conditions>
  void Add(uint32_t action, const char* name, Conditions... conditions) {
    const int number = seccomp_syscall_resolve_name(name);
    // Old calls such as stat have no number on newer architectures.
    if (error_ != 0 || number == __NR_SCMP_ERROR || number < 0) return;
    const std::vector<scmp_arg_cmp> all = {conditions...};
    Note(seccomp_rule_add_array(context_.get(), action, number, static_cast<unsigned>(all.size()),
                                all.data()),
         name);
  }

  absl::StatusOr<std::string> Export() {
    const int file = memfd_create("filter", MFD_CLOEXEC);
    std::string program;
    Note(file < 0 ? -errno : 0, "memfd_create");
    if (error_ == 0) Note(seccomp_export_bpf(context_.get(), file), "seccomp_export_bpf");
    if (error_ == 0) {
      program.resize(static_cast<size_t>(lseek(file, 0, SEEK_END)));
      const ssize_t got = pread(file, program.data(), program.size(), 0);
      Note(got == static_cast<ssize_t>(program.size()) ? 0 : -EIO, "reading the filter back");
    }
    if (file >= 0) close(file);
    if (error_ == 0) return program;
    return absl::InternalError(fmt::format("the system call filter cannot be built: {}: {}",
                                           failed_, std::strerror(-error_)));
  }

 private:
  void Note(int error, const char* what) {
    if (error >= 0 || error_ != 0) return;
    error_ = error;
    failed_ = what;
  }

  std::unique_ptr<void, decltype(&seccomp_release)> context_;
  int error_ = 0;
  const char* failed_ = "";
};

}  // namespace

absl::StatusOr<std::string> CompileFilter(SystemCalls calls) {
  Filter filter;
  for (const char* name : kBoth) filter.Allow(name);
  filter.Allow("clone", SCMP_A0(SCMP_CMP_MASKED_EQ, kNewNamespaces | kOfAThread, kOfAThread));
  // Its flags lie in memory, where no filter can look; without it the C library uses clone.
  filter.Add(SCMP_ACT_ERRNO(ENOSYS), "clone3");
  filter.Allow("prctl", SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
  // Names that the C library gives to its mappings.
  filter.Allow("prctl", SCMP_A0(SCMP_CMP_EQ, PR_SET_VMA));
  if (calls == SystemCalls::kNative) {
    filter.Allow("openat", SCMP_A2(SCMP_CMP_MASKED_EQ, kWrites, O_RDONLY));
    filter.Allow("open", SCMP_A1(SCMP_CMP_MASKED_EQ, kWrites, O_RDONLY));
    for (int command : {F_GETFL, F_SETFD}) {  // opendir
      filter.Allow("fcntl", SCMP_A1(SCMP_CMP_EQ, static_cast<unsigned>(command)));
    }
  } else {
    filter.Allow("openat");
    filter.Allow("open");
    for (const char* name : kEmulatorOnly) filter.Allow(name);
  }
  return filter.Export();
}

}  // namespace halyard
