#include "targets/board_runner/hand_over.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace halyard {
namespace {

// Without FUTEX_PRIVATE_FLAG: the word is in two address spaces.
long Futex(std::atomic<uint32_t>& word, int operation, uint32_t value, const timespec* timeout) {
  return syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), operation, value, timeout, nullptr,
                 0);
}

}  // namespace

void WaitWhile(std::atomic<uint32_t>& word, uint32_t seen, int64_t timeout_ns) {
  const timespec timeout = {timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
  if (word.load() == seen) Futex(word, FUTEX_WAIT, seen, &timeout);
}

void Wake(std::atomic<uint32_t>& word) { Futex(word, FUTEX_WAKE, 1, nullptr); }

int64_t NowNs() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC_RAW, &t);
  return t.tv_sec * int64_t{1'000'000'000} + t.tv_nsec;
}

}  // namespace halyard
