#include "targets/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>
#include <vector>

namespace halyard {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kErrKept = 4096;
constexpr int kFirstInherited = 3;

class Fd {
 public:
  Fd() = default;
  ~Fd() { Close(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  void Reset(int fd) {
    Close();
    fd_ = fd;
  }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

bool MakePipe(Fd* read_end, Fd* write_end) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return false;
  read_end->Reset(fds[0]);
  write_end->Reset(fds[1]);
  return true;
}

void SetNonBlocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

// All that the child needs, prepared before it exists: after vfork it shares this process's memory
// and may neither allocate nor take locks.
struct Launch {
  const char* program;
  char* const* argv;
  char* const* environment;
  int in, out, err;
  const std::vector<std::pair<int, int>>* inherited;  // child's number, and ours above all of those
  pid_t parent;
  int64_t memory_bytes;
  int64_t file_bytes;
  int64_t cpu_seconds;
  bool fixed_addresses;
};

[[noreturn]] void RunInChild(const Launch& launch) {
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != launch.parent) _exit(127);
  dup2(launch.in, STDIN_FILENO);
  dup2(launch.out, STDOUT_FILENO);
  dup2(launch.err, STDERR_FILENO);
  // The pipes are all above 2: whoever starts a child has its own 0, 1 and 2.
  unsigned next = kFirstInherited;
  for (const auto& [number, ours] : *launch.inherited) {
    if (dup2(ours, number) != number) _exit(127);
    const auto wanted = static_cast<unsigned>(number);
    if (wanted > next) syscall(SYS_close_range, next, wanted - 1, 0u);
    next = wanted + 1;
  }
  syscall(SYS_close_range, next, ~0u, 0u);
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (launch.memory_bytes > 0) {
    const auto bytes = static_cast<rlim_t>(launch.memory_bytes);
    const rlimit limit = {bytes, bytes};
    setrlimit(RLIMIT_AS, &limit);
  }
  if (launch.file_bytes > 0) {
    const auto bytes = static_cast<rlim_t>(launch.file_bytes);
    const rlimit limit = {bytes, bytes};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  const auto seconds = static_cast<rlim_t>(launch.cpu_seconds);
  const rlimit cpu = {seconds, seconds};
  setrlimit(RLIMIT_CPU, &cpu);
  if (launch.fixed_addresses) personality(personality(0xffffffff) | ADDR_NO_RANDOMIZE);
  // exec keeps ignored signals ignored and blocked ones blocked.
  signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(launch.program, launch.argv, launch.environment);
  _exit(127);
}

// More than all cores can give within the deadline: it binds only what outlives this process, such
// as a sandbox whose outer half was killed before its inner half asked to die with it.
int64_t CpuSeconds(std::chrono::milliseconds deadline) {
  const int64_t cores = std::max(1u, std::thread::hardware_concurrency());
  return (deadline.count() / 1000 + 2) * cores + 3;
}

// vfork and not fork: no copy of a large process's page tables, and no atfork handlers of
// libraries (gRPC's among them) that cannot stand a fork. Every signal is blocked meanwhile, so
// that no handler of ours runs in the child.
pid_t Start(const Launch& launch) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = vfork();
  if (pid == 0) RunInChild(launch);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return pid;
}

// Writing to a child that is gone must not end this process. Blocked for this thread only, and a
// SIGPIPE that came meanwhile is taken off before the mask is restored.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~WithoutSigpipe() {
    if (!sigismember(&before_, SIGPIPE)) {
      const timespec now = {0, 0};
      while (sigtimedwait(&pipe_, nullptr, &now) == SIGPIPE) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;

 private:
  sigset_t pipe_, before_;
};

// Moves bytes between this process and the child until the child has ended or must end.
class Conversation {
 public:
  Conversation(const std::string& input, const ChildLimits& limits, ChildResult* result)
      : input_(input), limits_(limits), result_(result) {}

  Fd in, out, err, process;

  void Run(pid_t pid) {
    const auto deadline = Clock::now() + limits_.deadline;
    SetNonBlocking(in.get());
    SetNonBlocking(out.get());
    SetNonBlocking(err.get());
    if (input_.empty() && !limits_.keep_input_open) in.Close();
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - Clock::now() + std::chrono::microseconds(999));
      if (left.count() <= 0) {
        result_->timed_out = true;
        return;
      }
      // Without a pidfd (old kernels) the child's end is looked for every 10 ms.
      const int64_t wait = process.open() ? left.count() : std::min<int64_t>(left.count(), 10);
      pollfd fds[5] = {{fed_ < input_.size() ? in.get() : -1, POLLOUT, 0},
                       {out.get(), POLLIN, 0},
                       {err.get(), POLLIN, 0},
                       {process.get(), POLLIN, 0},
                       {limits_.watched_fd, POLLIN, 0}};
      poll(fds, 5, static_cast<int>(std::min<int64_t>(wait, 1'000'000)));
      if (fds[0].revents != 0) Feed();
      if (fds[1].revents != 0) Drain(&out, &result_->out, SIZE_MAX);
      if (fds[2].revents != 0) Drain(&err, &result_->err, kErrKept);
      if (static_cast<int64_t>(result_->out.size()) > limits_.output_bytes) return;
      if (HasEnded(pid)) return;
      if (fds[4].revents != 0 && Ended(limits_.watched_fd)) {
        result_->abandoned = true;
        return;
      }
    }
  }

  void DrainRest() {
    while (out.open() && static_cast<int64_t>(result_->out.size()) <= limits_.output_bytes &&
           Drain(&out, &result_->out, SIZE_MAX)) {
    }
    while (err.open() && Drain(&err, &result_->err, kErrKept)) {
    }
  }

 private:
  static bool HasEnded(pid_t pid) {
    siginfo_t info = {};
    return waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
  }

  static bool Ended(int fd) {
    char chunk[4096];
    const ssize_t n = read(fd, chunk, sizeof(chunk));
    return n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
  }

  void Feed() {
    const ssize_t n = write(in.get(), input_.data() + fed_, input_.size() - fed_);
    if (n > 0) fed_ += static_cast<size_t>(n);
    const bool retry = n < 0 && (errno == EAGAIN || errno == EINTR);
    if (n < 0 && !retry) fed_ = input_.size();
    if (fed_ == input_.size() && !limits_.keep_input_open) in.Close();
  }

  // Appends what is there, keeping the last `keep` bytes; false where nothing more is there now.
  static bool Drain(Fd* fd, std::string* text, size_t keep) {
    char chunk[65536];
    const ssize_t n = read(fd->get(), chunk, sizeof(chunk));
    if (n < 0) return errno == EINTR;
    if (n == 0) {
      fd->Close();
      return false;
    }
    text->append(chunk, static_cast<size_t>(n));
    if (text->size() > keep) text->erase(0, text->size() - keep);
    return true;
  }

  const std::string& input_;
  const ChildLimits& limits_;
  ChildResult* result_;
  size_t fed_ = 0;
};

// Handles of the processes below `pid`. None where the kernel tells no children or has no handles.
void AddDescendants(pid_t pid, std::vector<int>* handles) {
  const std::string id = std::to_string(pid);
  std::ifstream children("/proc/" + id + "/task/" + id + "/children");
  for (pid_t child = 0; children >> child;) {
    const int handle = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
    if (handle >= 0) handles->push_back(handle);
    AddDescendants(child, handles);
  }
}

// It is killed before its leader is reaped: until then the leader's id, which is the
// group's, cannot be given to anybody else.
void KillGroupAndReap(pid_t pid, ChildResult* result) {
  KillTree(pid, /*group=*/true);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) result->signal = WTERMSIG(status);
  if (WIFEXITED(status)) result->exit_code = WEXITSTATUS(status);
}

}  // namespace

void KillTree(pid_t pid, bool group) {
  std::vector<int> handles;
  AddDescendants(pid, &handles);
  kill(group ? -pid : pid, SIGKILL);
  kill(pid, SIGKILL);
  // What is killed is gone some moments later, and what is not our own child is somebody else's to
  // reap. A handle tells the end of a process whoever reaps it.
  const auto end = Clock::now() + std::chrono::milliseconds(500);
  for (int handle : handles) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd p = {handle, POLLIN, 0};
    poll(&p, 1, static_cast<int>(std::max<int64_t>(left, 0)));
    close(handle);
  }
}

std::string FindProgram(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  std::string rest = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    const size_t colon = std::min(rest.find(':'), rest.size());
    std::string candidate = rest.substr(0, colon) + "/" + name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.erase(0, colon + 1);
  }
  return name;
}

ChildResult RunChild(const std::vector<std::string>& argv, const std::string& input,
                     const ChildLimits& limits) {
  ChildResult result;
  if (argv.empty()) return result;
  // Not by execvp: the child may only make system calls.
  const std::string program = FindProgram(argv[0]);
  if (access(program.c_str(), X_OK) != 0 || std::filesystem::is_directory(program)) {
    result.err = argv[0] + ": " + std::strerror(errno != 0 ? errno : EACCES);
    return result;
  }
  std::vector<char*> pointers;
  for (const std::string& argument : argv) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);

  Conversation conversation(input, limits, &result);
  Fd child_in, child_out, child_err;
  if (!MakePipe(&child_in, &conversation.in) || !MakePipe(&conversation.out, &child_out) ||
      !MakePipe(&conversation.err, &child_err)) {
    result.err = std::string("pipe: ") + std::strerror(errno);
    return result;
  }
  // Copies of what is inherited, above the numbers that the child takes them by.
  std::vector<Fd> copies(limits.inherited.size());
  std::vector<std::pair<int, int>> inherited;
  for (const auto& [number, fd] : limits.inherited) {
    Fd& copy = copies[inherited.size()];
    copy.Reset(fcntl(fd, F_DUPFD_CLOEXEC, limits.inherited.rbegin()->first + 1));
    if (!copy.open()) {
      result.err = std::string("dup: ") + std::strerror(errno);
      return result;
    }
    inherited.emplace_back(number, copy.get());
  }
  char* no_environment[] = {nullptr};
  const WithoutSigpipe guard;
  const pid_t pid = Start(
      {program.c_str(), pointers.data(), limits.fixed_addresses ? no_environment : environ,
       child_in.get(), child_out.get(), child_err.get(), &inherited, getpid(), limits.memory_bytes,
       limits.file_bytes, CpuSeconds(limits.deadline), limits.fixed_addresses});
  if (pid < 0) {
    result.err = std::string("vfork: ") + std::strerror(errno);
    return result;
  }
  result.started = true;
  child_in.Close();
  child_out.Close();
  child_err.Close();
  conversation.process.Reset(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  conversation.Run(pid);
  KillGroupAndReap(pid, &result);
  conversation.DrainRest();
  return result;
}

}  // namespace halyard
