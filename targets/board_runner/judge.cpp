#include "targets/board_runner/judge.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "targets/child_process.h"

namespace halyard {
namespace {

// The end of a worker interrupts the wait for its answer. One that comes right before the wait is
// found this much later.
constexpr int64_t kLookAgainNs = 20'000'000;
// Where a sandbox's filter lies open for its command line to find.
constexpr int kFilterFd = 3;
constexpr int kFirstNotInherited = kSharedFd + 1;

void Interrupt(int) {}

// A memfd_create of our own: older C libraries have none.
int MakeSharedFile() { return static_cast<int>(syscall(SYS_memfd_create, "run", 1u)); }

bool WriteAll(int file, const void* bytes, size_t n, int64_t offset) {
  for (size_t done = 0; done < n;) {
    const ssize_t wrote = pwrite(file, static_cast<const char*>(bytes) + done, n - done,
                                 offset + static_cast<int64_t>(done));
    if (wrote <= 0) return false;
    done += static_cast<size_t>(wrote);
  }
  return true;
}

[[noreturn]] void ExecWorker(char* const* argv, int file, pid_t judge, bool contained) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != judge) _exit(127);
  const int nothing = open("/dev/null", O_RDWR);
  dup2(nothing, STDIN_FILENO);
  dup2(nothing, STDOUT_FILENO);
  dup2(file, kSharedFd);
  if (file == kSharedFd) fcntl(file, F_SETFD, 0);
  // From its begin, which an earlier worker's has been read from.
  if (contained)
    lseek(kFilterFd, 0, SEEK_SET);
  else
    close(kFilterFd);
  if (syscall(SYS_close_range, static_cast<unsigned>(kFirstNotInherited), ~0u, 0u) != 0) {
    for (int fd = kFirstNotInherited; fd < 64; ++fd) close(fd);  // a kernel before 5.9
  }
  execv(argv[0], argv);
  _exit(127);
}

[[noreturn]] void EndWithSignal(int signal_number) {
  signal(signal_number, SIG_DFL);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_UNBLOCK, &all, nullptr);
  kill(getpid(), signal_number);
  _exit(1);
}

}  // namespace

std::unique_ptr<Judge> Judge::Make(const WorkerCommand& command,
                                   const std::vector<uint8_t>& artifact, const EntrySpec& spec,
                                   uint64_t seed, int threads, std::string* error) {
  *error = Operands::Problem(spec);
  if (!error->empty()) return nullptr;
  RunRequest request;
  request.threads = threads;
  request.candidates = {{"", {spec}}};
  request.candidates[0].entries[0].probe_points.clear();
  request.candidates[0].entries[0].projection = false;
  const std::string text = nlohmann::json(request).dump();

  std::unique_ptr<Judge> judge(new Judge);
  const int64_t begin =
      TensorsBegin(kHandOverBytes + static_cast<int64_t>(text.size() + artifact.size()));
  const SharedLayout layout(spec, begin);
  judge->threads_ = threads;
  judge->file_ = MakeSharedFile();
  if (judge->file_ < 0 || ftruncate(judge->file_, layout.end) != 0) throw std::bad_alloc();
  void* page = mmap(nullptr, kHandOverBytes, PROT_READ | PROT_WRITE, MAP_SHARED, judge->file_, 0);
  if (page == MAP_FAILED) throw std::bad_alloc();
  judge->page_ = static_cast<HandOver*>(page);
  judge->page_->request_bytes = static_cast<int64_t>(text.size());
  judge->page_->artifact_bytes = static_cast<int64_t>(artifact.size());
  const auto behind = kHandOverBytes + static_cast<int64_t>(text.size());
  if (!WriteAll(judge->file_, text.data(), text.size(), kHandOverBytes) ||
      !WriteAll(judge->file_, artifact.data(), artifact.size(), behind)) {
    throw std::bad_alloc();
  }
  // The worker loads while the inputs are made.
  if (!judge->Start(command)) {
    *error = std::string("cannot start a worker: ") + std::strerror(errno);
    return nullptr;
  }
  judge->operands_ = std::make_unique<Operands>(spec, seed, judge->file_, layout);
  if (!judge->AwaitLoaded(error)) return nullptr;
  judge->clock_ = std::make_unique<WorkerClock>(judge->worker_);
  return judge;
}

Judge::~Judge() {
  Stop();
  if (page_ != nullptr) munmap(page_, kHandOverBytes);
  if (file_ >= 0) close(file_);
}

bool Judge::Start(const WorkerCommand& command) {
  struct sigaction action = {};
  action.sa_handler = Interrupt;
  action.sa_flags = SA_NOCLDSTOP;  // and no SA_RESTART: it is there to interrupt
  sigaction(SIGCHLD, &action, nullptr);
  contained_ = !command.empty();
  std::vector<std::string> argv = command;
  if (argv.empty())
    argv = {"/proc/self/exe"};
  else
    argv[0] = FindProgram(argv[0]);
  argv.push_back("worker");
  std::vector<char*> pointers;
  for (std::string& argument : argv) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const pid_t judge = getpid();
  worker_ = fork();
  if (worker_ == 0) ExecWorker(pointers.data(), file_, judge, contained_);
  return worker_ > 0;
}

bool Judge::AwaitLoaded(std::string* error) {
  // Nothing of the artifact runs before it is loaded: until then the page tells the truth.
  while (page_->stage == WorkerStage::kStarting) {
    WaitWhile(page_->answered, 0, 1'000'000);
    siginfo_t ended = {};
    if (waitid(P_PID, static_cast<id_t>(worker_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        ended.si_pid == worker_ && page_->stage == WorkerStage::kStarting) {
      // Out of memory is the candidate's, in which its own tensors are.
      EndAsTheWorkerIfItEnded();
    }
    std::atomic_thread_fence(std::memory_order_acquire);
  }
  if (page_->stage == WorkerStage::kLoaded) return true;
  *error = Message();
  return false;
}

Judge::Answer Judge::Ask(Asked what, int64_t runs) {
  page_->what = what;
  page_->runs = runs;
  const uint32_t before = page_->answered.load();
  const uint32_t number = page_->asked.load() + 1;
  const WorkerClock::Reading from = clock_->Read();
  const int64_t start = NowNs();
  page_->asked.store(number);
  Wake(page_->asked);
  for (uint32_t seen = before; seen != number; seen = page_->answered.load()) {
    WaitWhile(page_->answered, seen, kLookAgainNs);
    if (page_->answered.load() != number) EndAsTheWorkerIfItEnded();
  }
  const int64_t elapsed = NowNs() - start;
  const WorkerClock::Reading to = clock_->Read();
  return {page_->kernel_error,
          page_->elapsed_ns,
          std::max<int64_t>(1, elapsed),
          {to.waited_ns - from.waited_ns, to.busy_ns - from.busy_ns}};
}

std::string Judge::Message() const {
  // A copy: it may change while it is looked at.
  char text[sizeof(page_->message)];
  std::memcpy(text, page_->message, sizeof(text));
  std::string message(text, strnlen(text, sizeof(text)));
  std::replace_if(
      message.begin(), message.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return message;
}

void Judge::Stop() {
  if (worker_ <= 0) return;
  KillTree(worker_, /*group=*/false);
  while (waitpid(worker_, nullptr, 0) < 0 && errno == EINTR) {
  }
  worker_ = -1;
}

void Judge::EndAsTheWorkerIfItEnded() {
  int status = 0;
  if (waitpid(worker_, &status, WNOHANG) != worker_) return;
  worker_ = -1;
  if (WIFSIGNALED(status)) EndWithSignal(WTERMSIG(status));
  // A shell's way, and a sandbox's, to hand on that a signal ended what it ran.
  constexpr int kSignalBase = 128;
  const int code = WEXITSTATUS(status);
  if (contained_ && code > kSignalBase && code < kSignalBase + 65)
    EndWithSignal(code - kSignalBase);
  _exit(code);
}

}  // namespace halyard
