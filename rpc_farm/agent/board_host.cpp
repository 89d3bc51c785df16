#include "rpc_farm/agent/board_host.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <thread>
#include <utility>

#include "rpc_farm/agent/process_tree.h"
#include "rpc_farm/runner_outcome.h"
#include "rpc_farm/sandbox/sandbox.h"
#include "targets/child_process.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;

// Killing takes a few milliseconds; the agent kills this process after 300. Between runs it waits
// longer, and hundreds of busy processes each have to be scheduled once to die.
constexpr milliseconds kKilling{250}, kClearing{1'500};

bool HasChildren() {
  siginfo_t info = {};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

void ReapEnded() {
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

// What a candidate started and left behind came to this process when the runner ended. Of a sandbox
// that is a process about to end as well: for a moment it is waited for, since to read all
// processes of the machine for descendants takes longer.
void ClearAway(bool sandboxed) {
  const auto until = FrameClock::now() + milliseconds(1);
  do {
    ReapEnded();
    if (!HasChildren()) return;
    if (sandboxed) std::this_thread::sleep_for(std::chrono::microseconds(50));
  } while (sandboxed && FrameClock::now() < until);
  KillDescendants(kClearing);
  ReapEnded();
}

// By whichever thread sees the end first; the other waits for it.
[[noreturn]] void End() {
  static std::mutex ending;
  ending.lock();
  KillDescendants(kKilling);
  // Of the runs that were cut off; the agent, if it lives, removes the folder itself. An executor
  // that clears up after its run takes files away at the same time, which ends a removal early.
  if (const char* scratch = std::getenv("TMPDIR"); scratch != nullptr) {
    std::error_code error;
    for (int i = 0; i < 20 && std::filesystem::exists(scratch, error); ++i) {
      std::filesystem::remove_all(scratch, error);
      if (error) std::this_thread::sleep_for(milliseconds(1));
    }
  }
  _exit(0);
}

// Sees the end of the agent while the other thread is in the middle of a run.
void Watch(int socket) {
  sigset_t terminate;
  sigemptyset(&terminate);
  sigaddset(&terminate, SIGTERM);
  const int signals = signalfd(-1, &terminate, SFD_CLOEXEC);
  pollfd fds[2] = {{socket, POLLRDHUP, 0}, {signals, POLLIN, 0}};
  while (poll(fds, 2, -1) <= 0) {
  }
  End();
}

HostReply Failed(RunStatus status, const std::string& message) {
  HostReply reply;
  reply.outcome.status = status;
  reply.outcome.message = reply.error = OneLine(message);
  return reply;
}

HostReply RunCommand(const HostRequest& request) {
  ChildLimits limits;
  limits.deadline = request.deadline;
  const ChildResult child = RunChild({"/bin/sh", "-c", request.command}, "", limits);
  if (child.exit_code == 0) return {};
  std::string how = fmt::format("exit code {}", child.exit_code);
  if (child.signal != 0) how = fmt::format("killed by signal {}", child.signal);
  if (child.timed_out) how = fmt::format("not done in {} ms", request.deadline.count());
  return Failed(RunStatus::kInfra, fmt::format("'{}': {}: {}", request.command, how, child.err));
}

}  // namespace

absl::Status BoardHost::MakeReady() {
  if (executor_ != nullptr) return absl::OkStatus();
  const auto device = LoadDevice(device_);
  if (!device.ok()) return device.status();
  runs_here_ = RunsCandidatesHere(*device);
  std::shared_ptr<const Sandbox> sandbox;
  if (runs_here_ && sandboxed_) {
    auto made = Sandbox::Make();
    if (!made.ok()) return made.status();
    sandbox = *std::move(made);
  }
  auto executor = MakeExecutor(*device, std::move(sandbox));
  if (!executor.ok()) return executor.status();
  executor_ = *std::move(executor);
  return absl::OkStatus();
}

HostReply BoardHost::Told(absl::Status status) {
  HostReply reply;
  if (!status.ok()) {
    const bool lost = absl::IsUnavailable(status);
    return Failed(lost ? RunStatus::kBoardLost : RunStatus::kInfra, std::string(status.message()));
  }
  reply.outcome.status = RunStatus::kOk;
  reply.board_id = executor_->board_id();
  reply.environment = executor_->environment();
  return reply;
}

HostReply BoardHost::FirstWords() {
  HostReply reply = Told(MakeReady());
  if (executor_ != nullptr) reply.facts = executor_->facts();
  return reply;
}

HostReply BoardHost::Answer(const HostRequest& request) {
  switch (request.kind) {
    case HostRequest::Kind::kFacts:
      return FirstWords();
    case HostRequest::Kind::kCommand:
      return RunCommand(request);
    case HostRequest::Kind::kRun:
      break;
  }
  return Run(request);
}

HostReply BoardHost::Run(const HostRequest& request) {
  if (absl::Status s = MakeReady(); !s.ok()) return Told(s);
  RunOutcome outcome = executor_->Run(request.run, request.deadline);
  // Connections to boards are kept between runs.
  if (runs_here_) ClearAway(sandboxed_);
  HostReply reply = Told(absl::OkStatus());
  reply.outcome = std::move(outcome);
  return reply;
}

void ServeBoard(BoardHost host, int socket, pid_t parent) {
  // What a run leaves without a parent comes here, and is found when it is to be killed.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  // Blocked in every thread, for the watcher to read.
  sigset_t terminate;
  sigemptyset(&terminate);
  sigaddset(&terminate, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &terminate, nullptr);
  signal(SIGPIPE, SIG_IGN);
  // The end of the socket says the same; this also holds should somebody have inherited it.
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(0);
  std::thread(Watch, socket).detach();

  const auto for_ever = [] { return FrameClock::now() + std::chrono::hours(24 * 365); };
  HostReply reply = host.FirstWords();
  while (SendFrame(socket, ToText(reply), for_ever()).ok()) {
    const auto text = ReceiveFrame(socket, for_ever());
    if (!text.ok()) break;
    const auto request = ParseHostRequest(*text);
    reply = request.ok() ? host.Answer(*request)
                         : Failed(RunStatus::kInfra, std::string(request.status().message()));
  }
  End();
}

}  // namespace halyard
