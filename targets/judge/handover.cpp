#include "targets/judge/handover.h"

#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace halyard {
namespace {

constexpr int64_t kLongestSpinNs = 2'000'000'000;
constexpr int kPausesALook = 64;

void PauseCore() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");  // `yield` does nothing on most cores
#endif
}

// Between processes, so not FUTEX_PRIVATE_FLAG.
void FutexWait(std::atomic<uint32_t>* word, uint32_t value) {
  syscall(SYS_futex, word, FUTEX_WAIT, value, nullptr, nullptr, 0);
}

void FutexWake(std::atomic<uint32_t>* word) {
  syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

bool HasCoreToSpare() {
  cpu_set_t cpus;
  return sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && CPU_COUNT(&cpus) > 1;
}

}  // namespace

int64_t MonotonicNs() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC_RAW, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

std::string Answer::TextLine() const {
  return {text.begin(), std::find(text.begin(), text.end(), '\0')};
}

void JudgesEnd::Put(const Ask& ask) {
  page_->ask = ask;
  answered_ = false;
  page_->sequence.store(++sequence_, std::memory_order_release);
  FutexWake(&page_->sequence);
}

bool JudgesEnd::Await(std::chrono::nanoseconds wait) {
  const bool for_ever = wait == std::chrono::nanoseconds::max();
  const int64_t end = for_ever ? INT64_MAX : MonotonicNs() + wait.count();
  while (!answered_ && !gone_) {
    const int64_t left = for_ever ? 0 : std::max<int64_t>(0, end - MonotonicNs());
    const timespec timeout = {left / 1'000'000'000, left % 1'000'000'000};
    pollfd fds[2] = {{answers_, POLLIN, 0}, {over_, POLLIN, 0}};
    const int n = ppoll(fds, 2, for_ever ? nullptr : &timeout, nullptr);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    char byte = 0;
    // A worker's last answer counts, though it is gone.
    if ((fds[0].revents & POLLIN) != 0 && read(answers_, &byte, 1) == 1) {
      answered_ = true;
    } else {
      gone_ = true;
    }
  }
  return answered_;
}

std::optional<Answer> JudgesEnd::Take() {
  if (!Await(std::chrono::nanoseconds::max())) return std::nullopt;
  const Answer answer = page_->answer;
  if (answer.sequence != sequence_) gone_ = true;
  if (gone_) return std::nullopt;
  return answer;
}

WorkersEnd::WorkersEnd(ControlPage* page, int answers, bool awake)
    : page_(page), answers_(answers), spins_(awake && HasCoreToSpare()) {}

Ask WorkersEnd::Next() {
  if (spins_) {
    const int64_t give_up = MonotonicNs() + kLongestSpinNs;
    do {
      for (int i = 0; i < kPausesALook; ++i) {
        if (page_->sequence.load(std::memory_order_acquire) != seen_) break;
        PauseCore();
      }
    } while (page_->sequence.load(std::memory_order_acquire) == seen_ && MonotonicNs() < give_up);
  }
  while (page_->sequence.load(std::memory_order_acquire) == seen_) {
    FutexWait(&page_->sequence, seen_);
  }
  seen_ = page_->sequence.load(std::memory_order_acquire);
  return page_->ask;
}

void WorkersEnd::Tell(Answer answer) {
  answer.sequence = seen_;
  page_->answer = answer;
  std::atomic_thread_fence(std::memory_order_release);
  const char byte = 0;
  while (write(answers_, &byte, 1) < 0 && errno == EINTR) {
  }
}

}  // namespace halyard
