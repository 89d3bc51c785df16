// What the kernel of the operating system knows about a worker's time, which the worker cannot
// change.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace halyard {

class WorkerClock {
 public:
  // Of `pid`, or where a sandbox was started, of the innermost process below it, which is a child
  // of this one's. Where there is no /proc, or it does not tell, all is 0.
  explicit WorkerClock(pid_t pid);
  ~WorkerClock();
  WorkerClock(const WorkerClock&) = delete;
  WorkerClock& operator=(const WorkerClock&) = delete;

  struct Reading {
    // That the worker's first thread and this process, together, waited for a processor while they
    // had something to do (Documentation/scheduler/sched-stats.rst, /proc/<pid>/schedstat).
    int64_t waited_ns = 0;
    int64_t busy_ns = 0;  // of processors, by all of the worker's threads
  };
  Reading Read() const;

 private:
  pid_t pid_;
  int worker_ = -1, self_ = -1;
};

}  // namespace halyard
