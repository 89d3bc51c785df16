// The judge's half of a run: starts a worker for one entry, has it run the kernel, and looks at the
// shared tensors itself. TRUST.md says what a kernel can and cannot lie about.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "targets/board_runner/hand_over.h"
#include "targets/board_runner/operands.h"
#include "targets/board_runner/worker_clock.h"

namespace halyard {

// How a worker is started: the command line in front of a worker's own (a sandbox's), or nothing.
using WorkerCommand = std::vector<std::string>;

class Judge {
 public:
  // nullptr and one line in *error: the entry makes no sense, the artifact is none, or no worker
  // can be started. Throws std::bad_alloc where the tensors do not fit.
  static std::unique_ptr<Judge> Make(const WorkerCommand& command,
                                     const std::vector<uint8_t>& artifact, const EntrySpec& spec,
                                     uint64_t seed, int threads, std::string* error);
  ~Judge();
  Judge(const Judge&) = delete;
  Judge& operator=(const Judge&) = delete;

  Operands& operands() { return *operands_; }
  int threads() const { return threads_; }

  struct Answer {
    int32_t kernel_error = 0;
    int64_t claimed_ns = 0;  // by the worker
    int64_t elapsed_ns = 0;  // by this process, with both hand-overs
    WorkerClock::Reading spent;
  };
  // Where the worker dies meanwhile, this process ends the way the worker did: no reply is written,
  // and whoever waits for it sees the candidate's fault.
  Answer Ask(Asked what, int64_t runs = 1);
  // The first error the kernel reported through the runtime, as printable text.
  std::string Message() const;
  // Ends the worker; returns when nothing of it runs.
  void Stop();

 private:
  Judge() = default;
  bool Start(const WorkerCommand& command);
  // False: it is none, or cannot be had; then *error says why.
  bool AwaitLoaded(std::string* error);
  void EndAsTheWorkerIfItEnded();

  int file_ = -1;
  int threads_ = 1;
  HandOver* page_ = nullptr;
  pid_t worker_ = -1;
  bool contained_ = false;
  std::unique_ptr<Operands> operands_;
  std::unique_ptr<WorkerClock> clock_;
};

}  // namespace halyard
