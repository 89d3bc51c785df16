#include "rpc_farm/service_process.h"

#include <sys/prctl.h>
#include <unistd.h>

namespace halyard {

EndSignals::EndSignals() : signals_() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

int EndSignals::Await() const {
  int received = 0;
  sigwait(&signals_, &received);
  pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
  return received;
}

std::optional<int> EndSignals::AwaitFor(std::chrono::milliseconds limit) const {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit);
  const timespec wait{seconds.count(), std::chrono::nanoseconds(limit - seconds).count()};
  const int received = sigtimedwait(&signals_, nullptr, &wait);
  if (received < 0) return std::nullopt;
  pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
  return received;
}

void EndWithParent(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  // It may have ended before that was said.
  if (getppid() != parent) kill(getpid(), SIGTERM);
}

}  // namespace halyard
