#include "rpc_farm/agent/hosted_executor.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "rpc_farm/runner_outcome.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;

// For the host to kill what it runs and end; what is promised for a stop is half a second.
constexpr milliseconds kPatience{300};
// The longest set-up of a board behind a link, and a little.
constexpr milliseconds kFirstWords{35'000};

}  // namespace

HostedExecutor::HostedExecutor(HostProcesses& processes, HostedBoard board)
    : processes_(processes), board_(std::move(board)) {}

HostedExecutor::~HostedExecutor() { End(); }

absl::Status HostedExecutor::Start() {
  if (pid_ != 0) return absl::OkStatus();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return absl::UnavailableError(fmt::format("socketpair: {}", std::strerror(errno)));
  }
  scratch_ = std::make_unique<TemporaryFolder>();
  std::vector<std::string> argv = {board_.program, board_.device, std::to_string(getpid())};
  argv.insert(argv.end(), board_.options.begin(), board_.options.end());
  const auto pid = processes_.Start(argv, ends[1], scratch_->path());
  close(ends[1]);
  if (!pid.ok()) {
    close(ends[0]);
    return pid.status();
  }
  pid_ = *pid;
  socket_ = ends[0];
  greeted_ = false;
  ++starts_;
  return absl::OkStatus();
}

void HostedExecutor::End() {
  if (pid_ == 0) return;
  shutdown(socket_, SHUT_RDWR);
  processes_.End(pid_, kPatience);
  close(socket_);
  pid_ = 0;
  socket_ = -1;
  scratch_.reset();
}

absl::StatusOr<HostReply> HostedExecutor::Receive(FrameClock::time_point deadline) {
  const auto text = ReceiveFrame(socket_, deadline);
  if (!text.ok()) return text.status();
  auto reply = ParseHostReply(*text);
  if (!reply.ok()) return reply.status();
  if (!reply->board_id.empty()) board_id_ = reply->board_id;
  if (!reply->environment.empty()) environment_ = reply->environment;
  if (reply->facts) facts_ = reply->facts;
  return reply;
}

absl::StatusOr<std::string> HostedExecutor::FirstWords(milliseconds limit) {
  if (greeted_) return std::string();
  const auto first = Receive(FrameClock::now() + limit);
  if (!first.ok()) return first.status();
  greeted_ = true;
  return first->error;
}

absl::Status HostedExecutor::AwaitReady(const std::stop_token& stop, milliseconds limit) {
  if (absl::Status s = Start(); !s.ok()) return s;
  absl::StatusOr<std::string> why_not;
  {
    const std::stop_callback wake(stop, [socket = socket_] { shutdown(socket, SHUT_RDWR); });
    why_not = FirstWords(limit);
  }
  if (stop.stop_requested()) return absl::CancelledError("stopped");
  if (!why_not.ok()) {
    End();
    return absl::UnavailableError(
        fmt::format("the board host did not come up: {}", std::string(why_not.status().message())));
  }
  if (why_not->empty()) return absl::OkStatus();
  End();  // so that the next attempt asks the board again
  return absl::UnavailableError(*why_not);
}

absl::StatusOr<HostReply> HostedExecutor::Exchange(const std::stop_token& stop,
                                                   const HostRequest& request) {
  if (absl::Status s = Start(); !s.ok()) return s;
  absl::StatusOr<HostReply> reply;
  {
    // Wakes this thread, and is the host's sign to end. Gone before the socket is.
    const std::stop_callback wake(stop, [socket = socket_] { shutdown(socket, SHUT_RDWR); });
    // Why the board cannot be reached, if so, the answer says again.
    const auto first = FirstWords(kFirstWords);
    const auto deadline = FrameClock::now() + request.deadline + board_.slack;
    const absl::Status sent =
        first.ok() ? SendFrame(socket_, ToText(request), deadline) : first.status();
    reply = sent.ok() ? Receive(deadline) : absl::StatusOr<HostReply>(sent);
  }
  if (reply.ok() && !stop.stop_requested()) return reply;
  End();
  // At once, so that the next run finds it ready.
  if (absl::Status s = Start(); !s.ok()) return s;
  if (stop.stop_requested()) return absl::CancelledError("stopped");
  if (absl::IsDeadlineExceeded(reply.status())) {
    return absl::UnavailableError("the board host was stuck and was started again");
  }
  return absl::UnavailableError(fmt::format("the board host failed and was started again: {}",
                                            OneLine(std::string(reply.status().message()))));
}

RunOutcome HostedExecutor::RunUntil(const std::stop_token& stop, const RunRequest& request,
                                    milliseconds deadline) {
  HostRequest run;
  run.kind = HostRequest::Kind::kRun;
  run.run = request;
  run.deadline = deadline;
  auto reply = Exchange(stop, run);
  if (!reply.ok()) return {RunStatus::kInfra, std::string(reply.status().message()), {}};
  return std::move(reply->outcome);
}

absl::Status HostedExecutor::Command(const std::stop_token& stop, const std::string& command,
                                     milliseconds deadline) {
  HostRequest request;
  request.kind = HostRequest::Kind::kCommand;
  request.command = command;
  request.deadline = deadline;
  const auto reply = Exchange(stop, request);
  if (!reply.ok()) return reply.status();
  return reply->error.empty() ? absl::OkStatus() : absl::InternalError(reply->error);
}

}  // namespace halyard
