#include "targets/judge/judged_child.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <optional>
#include <thread>

#include "targets/board_runner/symbol_table.h"
#include "targets/judge/judged_timing.h"

namespace halyard {
namespace {

class SharedMemory {
 public:
  explicit SharedMemory(int64_t bytes)
      : fd_(memfd_create("tensors", MFD_CLOEXEC | MFD_ALLOW_SEALING)) {
    // Sealed, since a file that the worker cut would end this process with SIGBUS.
    if (fd_ < 0 || ftruncate(fd_, bytes) != 0 ||
        fcntl(fd_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
      return;
    }
    void* p = mmap(nullptr, kControlBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    if (p != MAP_FAILED) page_ = new (p) ControlPage;
  }
  ~SharedMemory() {
    if (page_ != nullptr) munmap(page_, kControlBytes);
    if (fd_ >= 0) close(fd_);
  }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  int fd() const { return fd_; }
  ControlPage* page() const { return page_; }  // nullptr: there is no memory

 private:
  int fd_;
  ControlPage* page_ = nullptr;
};

class Pipe {
 public:
  Pipe() {
    if (pipe2(ends_, O_CLOEXEC) != 0) ends_[0] = ends_[1] = -1;
  }
  ~Pipe() {
    if (ends_[0] >= 0) close(ends_[0]);
    CloseWriteEnd();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void CloseWriteEnd() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }
  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }

 private:
  int ends_[2];
};

// What the runner need not know: a kernel may read it there, and compute no more than is asked for.
RunRequest WithoutQuestions(RunRequest request) {
  request.seed = 0;
  for (CandidateSpec& candidate : request.candidates) {
    for (EntrySpec& entry : candidate.entries) {
      entry.probe_points.clear();
      entry.projection = false;
    }
  }
  return request;
}

ChildResult CannotStart(const std::string& why) {
  ChildResult result;
  result.err = why + ": " + std::strerror(errno);
  return result;
}

ChildResult OutOfMemory() {
  ChildResult result;
  result.started = true;
  result.exit_code = kExitOutOfMemory;
  return result;
}

}  // namespace

ChildResult RunJudgedChild(const RunRequest& request, const std::string& sys_root,
                           ChildLimits limits, const StartRunner& start) {
  const std::string input = nlohmann::json(WithoutQuestions(request)).dump();
  // No kernel runs, and what the runner says of the board is its own to say.
  if (request.mode == RunMode::kPeak) return start(input, limits);
  const int64_t bytes = SharedBytes(request);
  if (limits.memory_bytes > 0 && bytes > limits.memory_bytes) return OutOfMemory();
  const SharedMemory memory(bytes);
  if (memory.page() == nullptr) return CannotStart("memory to share with the runner");
  const Pipe answers;
  Pipe over;
  if (answers.write_end() < 0 || over.write_end() < 0) return CannotStart("pipe");
  limits.inherited[kSharedMemoryFd] = memory.fd();
  limits.inherited[kAnswersFd] = answers.write_end();

  std::optional<RunReply> reply;
  bool out_of_memory = false;
  std::thread judging([&] {
    JudgesEnd worker(memory.page(), answers.read_end(), over.read_end());
    try {
      Judge judge(&worker, memory.fd(), request.seed);
      reply = RunJudged(request, sys_root, judge);
    } catch (const Judge::WorkerGone&) {
      // One that broke the protocol is there still, and would wait until its deadline.
      worker.Put({Ask::What::kEnd});
    } catch (const std::bad_alloc&) {
      out_of_memory = true;
      worker.Put({Ask::What::kEnd});
    }
  });
  ChildResult result = start(input, limits);
  over.CloseWriteEnd();
  judging.join();
  result.out.clear();
  if (out_of_memory) return OutOfMemory();
  if (reply && result.exit_code == 0) result.out = nlohmann::json(*reply).dump();
  return result;
}

}  // namespace halyard
