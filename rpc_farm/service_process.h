// What the farm's programs have in common as processes: they live until a signal, or until whoever
// started them is gone.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <optional>

namespace halyard {

// SIGINT and SIGTERM as something to wait for. To be made before there is any other thread: all
// inherit the mask. SIGPIPE is ignored from then on.
class EndSignals {
 public:
  EndSignals();

  // The signal's number; the next one of the kind ends the process the hard way.
  int Await() const;
  // Nothing: none came within the time, or the wait was interrupted.
  std::optional<int> AwaitFor(std::chrono::milliseconds limit) const;

 private:
  sigset_t signals_;
};

// SIGTERM comes to this process when `parent` ends, however it does; at once where `parent` is not
// this process's parent (any more). More exactly, when the thread of it that started this process
// ends (prctl(2), PR_SET_PDEATHSIG). To be called after EndSignals.
void EndWithParent(pid_t parent);

// Of each farm program that takes it: --end-with PID.
inline constexpr char kEndWithOption[] = "end-with";
inline constexpr char kEndWithHelp[] =
    "end, in order, when the process PID does, which must be the one that starts this; for "
    "programs and scripts that must leave nothing behind, even killed";

}  // namespace halyard
