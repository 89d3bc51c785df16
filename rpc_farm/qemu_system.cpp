#include "rpc_farm/qemu_system.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "targets/child_process.h"
#include "targets/device.h"

namespace halyard {
namespace {

constexpr char kProgram[] = "/usr/bin/qemu-system-arm";
constexpr int kDebuggerFd = 3;  // in the child

// Only system calls: after vfork this is still the parent's memory.
[[noreturn]] void RunInChild(char* const* argv, int socket, int err, pid_t parent) {
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  dup2(err, STDERR_FILENO);
  // Duplicated twice, so that the copy is open in the program whatever number it had before.
  const int high = fcntl(socket, F_DUPFD, 16);
  dup2(high, kDebuggerFd);
  const int null = open("/dev/null", O_RDWR);
  dup2(null, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  syscall(SYS_close_range, static_cast<unsigned>(kDebuggerFd) + 1, ~0u, 0u);
  sigset_t none;
  sigemptyset(&none);
  signal(SIGPIPE, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  char* no_environment[] = {nullptr};
  execve(argv[0], argv, no_environment);
  _exit(127);
}

std::string PluginArgument(const InstructionCosts& costs, const std::string& report) {
  std::string text = fmt::format("{},out={},issue_width={},per_register={}", CountThumbPlugin(),
                                 report, costs.issue_width, costs.per_register);
  for (const auto& [port, classes] : costs.ports) {
    for (const auto& [name, cycles] : classes) {
      text += fmt::format(",port/{}/{}={}", port, name, cycles);
    }
  }
  return text;
}

}  // namespace

std::string CountThumbPlugin() { return DataPath("virtual_board/libcount_thumb_plugin.so"); }

absl::StatusOr<std::unique_ptr<QemuSystem>> QemuSystem::Start(const FirmwareEmulator& emulator,
                                                              const std::string& report) {
  std::unique_ptr<QemuSystem> qemu(new QemuSystem);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return absl::UnavailableError(fmt::format("socketpair: {}", std::strerror(errno)));
  }
  qemu->socket_ = ends[0];
  qemu->stderr_ = memfd_create("qemu-stderr", MFD_CLOEXEC);
  // No devices but the machine's own; the clock counts instructions and never waits for the host's.
  std::vector<std::string> argv = {kProgram,
                                   "-M",
                                   emulator.machine,
                                   "-nodefaults",
                                   "-display",
                                   "none",
                                   "-S",
                                   "-icount",
                                   fmt::format("shift={},sleep=off", emulator.icount_shift),
                                   "-chardev",
                                   fmt::format("socket,id=debugger,fd={}", kDebuggerFd),
                                   "-gdb",
                                   "chardev:debugger"};
  if (emulator.costs.issue_width > 0) {
    argv.insert(argv.end(), {"-plugin", PluginArgument(emulator.costs, report)});
  }
  std::vector<char*> pointers;
  for (std::string& argument : argv) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t parent = getpid();
  const pid_t pid = vfork();
  if (pid == 0) RunInChild(pointers.data(), ends[1], qemu->stderr_, parent);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  close(ends[1]);
  if (pid < 0) return absl::UnavailableError(fmt::format("vfork: {}", std::strerror(errno)));
  qemu->pid_ = pid;
  return qemu;
}

QemuSystem::~QemuSystem() {
  if (socket_ >= 0) close(socket_);
  if (stderr_ >= 0) close(stderr_);
  if (pid_ <= 0) return;
  kill(-pid_, SIGKILL);
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

int QemuSystem::TakeSocket() { return std::exchange(socket_, -1); }

std::string QemuSystem::last_words() const {
  char text[2048];
  const off_t end = lseek(stderr_, 0, SEEK_END);
  const off_t from = end > static_cast<off_t>(sizeof text) ? end - sizeof text : 0;
  const ssize_t n = pread(stderr_, text, sizeof text, from);
  std::string last;
  for (absl::string_view line : absl::StrSplit(
           absl::string_view(text, n > 0 ? static_cast<size_t>(n) : 0), '\n', absl::SkipEmpty())) {
    last = std::string(line);
  }
  return last;
}

absl::StatusOr<std::string> QemuSystemVersion() {
  const ChildResult version = RunChild({kProgram, "--version"}, "", ChildLimits{});
  if (!version.started || version.exit_code != 0) {
    return absl::FailedPreconditionError(
        fmt::format("{} does not run; install the package qemu-system-arm", kProgram));
  }
  return version.out.substr(0, version.out.find('\n'));
}

}  // namespace halyard
