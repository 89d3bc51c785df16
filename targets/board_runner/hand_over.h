// How judge and worker talk: one page at the begin of the file they share, and a futex each way.
//
// The worker writes all of it but `asked` and what belongs to that, and so may a kernel: the judge
// believes nothing here that it cannot check.
#pragma once

#include <atomic>
#include <cstdint>

namespace halyard {

enum class Asked : int32_t { kRun, kPrepare };

enum class WorkerStage : int32_t {
  kStarting,
  kLoaded,   // the artifact is there and nothing of it has run
  kRefused,  // `message` says why
};

struct HandOver {
  // From the judge: the request, complete once `asked` has gone up by one.
  std::atomic<uint32_t> asked;
  Asked what;
  int64_t runs;
  // From the worker: the answer, complete once `answered` equals `asked`.
  std::atomic<uint32_t> answered;
  WorkerStage stage;
  int32_t kernel_error;  // of the first run that did not return 0
  int64_t elapsed_ns;    // of all runs
  char message[1024];    // ends with a 0
  // What the judge has laid behind this page.
  int64_t request_bytes;   // a RunRequest of one candidate with one entry, as JSON
  int64_t artifact_bytes;  // right behind that
};
static_assert(std::atomic<uint32_t>::is_always_lock_free);

inline constexpr int64_t kHandOverBytes = 4096;
static_assert(sizeof(HandOver) <= kHandOverBytes);

// The descriptor of the shared file in a new worker.
inline constexpr int kSharedFd = 4;

// Waits until `word` is no longer `seen`, for `timeout_ns` at most or until a signal.
void WaitWhile(std::atomic<uint32_t>& word, uint32_t seen, int64_t timeout_ns);
void Wake(std::atomic<uint32_t>& word);

int64_t NowNs();

}  // namespace halyard
