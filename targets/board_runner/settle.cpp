#include "targets/board_runner/settle.h"

#include <HalideRuntime.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "targets/judge/handover.h"

namespace halyard {
namespace {

// Longer than the judge takes to fall asleep.
constexpr int64_t kJudgeLiesDownNs = 15'000;
// Two cores see each other's writes in less than a microsecond; a thread without a core waits for a
// scheduler's tick.
constexpr int64_t kAtOnceNs = 15'000;
constexpr int64_t kLongestMeetingNs = 2'000'000;
constexpr int64_t kLongestNs = 20'000'000;

std::atomic<bool> loops_seen{false};
int threads_to_meet = 1;

int WatchedParFor(void* user_context, halide_task_t task, int min, int size, uint8_t* closure) {
  if (!loops_seen.load(std::memory_order_relaxed)) loops_seen = true;
  return halide_default_do_par_for(user_context, task, min, size, closure);
}

struct Meeting {
  std::atomic<int> arrived{0};
  int64_t give_up_ns = 0;
};

// A task of a loop with as many iterations as threads: who waits in one can take no other.
int Arrive(void*, int, uint8_t* closure) {
  auto* meeting = reinterpret_cast<Meeting*>(closure);
  ++meeting->arrived;
  while (meeting->arrived < threads_to_meet && MonotonicNs() < meeting->give_up_ns) {
  }
  return 0;
}

int64_t MeetNs() {
  const int64_t begin = MonotonicNs();
  Meeting meeting;
  meeting.give_up_ns = begin + kLongestMeetingNs;
  halide_default_do_par_for(nullptr, Arrive, 0, threads_to_meet,
                            reinterpret_cast<uint8_t*>(&meeting));
  return MonotonicNs() - begin;
}

}  // namespace

void WatchParallelLoops(int threads) {
  cpu_set_t cpus;
  const int cores = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
  threads_to_meet = std::min(threads, cores);
  halide_set_custom_do_par_for(WatchedParFor);
}

void SettleThreads() {
  if (threads_to_meet < 2) return;
  const int64_t begin = MonotonicNs();
  while (MonotonicNs() - begin < kJudgeLiesDownNs) {
  }
  if (!loops_seen) return;
  for (int at_once = 0; at_once < 2 && MonotonicNs() - begin < kLongestNs;) {
    at_once = MeetNs() < kAtOnceNs ? at_once + 1 : 0;
  }
}

}  // namespace halyard
