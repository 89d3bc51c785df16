// How the judge of a run asks and the process of its kernels, the worker, answers: through a page
// of the memory they share and a pipe. Nothing in that page is to be believed: a kernel can write
// there.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace halyard {

// The worker's descriptors; 3 is the sandbox's.
inline constexpr int kSharedMemoryFd = 4;
inline constexpr int kAnswersFd = 5;
// Of the shared memory: in front of the tensors, a multiple of every Linux page size.
inline constexpr int64_t kControlBytes = 1 << 16;

struct Ask {
  enum class What : uint32_t {
    kLoad,     // entry `entry` of candidate `candidate` into slot `slot`, its tensors at `offset`
    kPrepare,  // what the slot's kernel needs done once
    kRun,      // the slot's kernel, `runs` times without a pause, which are timed
    kCount,    // prepare and run it between the markers of a virtual board
    kEnd,
  };
  What what = What::kEnd;
  uint32_t slot = 0, candidate = 0, entry = 0;
  uint32_t caches_warm = 0;  // kCount
  int64_t offset = 0;
  int64_t runs = 0;
};

struct Answer {
  uint32_t sequence = 0;             // of what was asked
  int32_t kernel_error = 0;          // kPrepare, kRun, kCount: what the kernel returned, if not 0
  uint32_t failed = 0;               // could not be done, and `text` says why
  uint32_t rejected = 0;             // what it failed for is the artifact or the request
  int64_t begin_ns = 0, end_ns = 0;  // kRun, by MonotonicNs
  std::array<char, 1000> text{};     // why, or the first error that the kernel reported
  std::string TextLine() const;      // up to its end, which a kernel may have written over
};

// Lies at the beginning of the shared memory.
struct ControlPage {
  std::atomic<uint32_t> sequence{0};  // raised for each ask
  Ask ask;
  Answer answer;
};
static_assert(sizeof(ControlPage) <= kControlBytes);
static_assert(std::atomic<uint32_t>::is_always_lock_free);

// CLOCK_MONOTONIC_RAW, which is the same in all processes and which nobody sets.
int64_t MonotonicNs();

// The judge's end. Not thread-safe.
class JudgesEnd {
 public:
  // `answers`: to be read from; `over`: ends when the worker is gone.
  JudgesEnd(ControlPage* page, int answers, int over)
      : page_(page), answers_(answers), over_(over) {}

  void Put(const Ask& ask);
  // True once the answer is there; false when `wait` is over before, or the worker gone.
  bool Await(std::chrono::nanoseconds wait);
  // Waits as long as the worker lives. Nothing: it is gone, or told what it was not asked.
  std::optional<Answer> Take();

 private:
  ControlPage* const page_;
  const int answers_, over_;
  uint32_t sequence_ = 0;
  bool answered_ = false, gone_ = false;
};

// The worker's end.
class WorkersEnd {
 public:
  // `awake`: where there is a core to spare, does not sleep between two asks: a thread that slept
  // is placed anew, and for some milliseconds perhaps on the core of the one it works with.
  WorkersEnd(ControlPage* page, int answers, bool awake);

  // Returns what was asked next.
  Ask Next();
  void Tell(Answer answer);

 private:
  ControlPage* const page_;
  const int answers_;
  const bool spins_;
  uint32_t seen_ = 0;
};

}  // namespace halyard
