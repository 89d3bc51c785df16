#include "targets/board_runner/worker_clock.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace halyard {
namespace {

pid_t Innermost(pid_t pid) {
  const std::string id = std::to_string(pid);
  std::ifstream children("/proc/" + id + "/task/" + id + "/children");
  pid_t child = 0;
  return children >> child ? Innermost(child) : pid;
}

int64_t WaitedNs(int schedstat) {
  char text[128] = {};
  long long ran = 0, waited = 0;
  if (schedstat < 0 || pread(schedstat, text, sizeof(text) - 1, 0) <= 0) return 0;
  return std::sscanf(text, "%lld %lld", &ran, &waited) == 2 ? waited : 0;
}

}  // namespace

WorkerClock::WorkerClock(pid_t pid) : pid_(Innermost(pid)) {
  worker_ = open(("/proc/" + std::to_string(pid_) + "/schedstat").c_str(), O_RDONLY | O_CLOEXEC);
  self_ = open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC);
}

WorkerClock::~WorkerClock() {
  if (worker_ >= 0) close(worker_);
  if (self_ >= 0) close(self_);
}

WorkerClock::Reading WorkerClock::Read() const {
  Reading reading;
  reading.waited_ns = WaitedNs(worker_) + WaitedNs(self_);
  clockid_t clock;
  timespec t;
  if (clock_getcpuclockid(pid_, &clock) == 0 && clock_gettime(clock, &t) == 0) {
    reading.busy_ns = t.tv_sec * int64_t{1'000'000'000} + t.tv_nsec;
  }
  return reading;
}

}  // namespace halyard
