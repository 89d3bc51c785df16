#include "targets/board_runner/worker.h"

#include <sys/mman.h>

#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "targets/board_runner/count.h"
#include "targets/board_runner/elf_loader.h"
#include "targets/board_runner/kernel.h"
#include "targets/board_runner/settle.h"
#include "targets/board_runner/symbol_table.h"
#include "targets/judge/handover.h"

namespace halyard {
namespace {

Answer Failure(const std::string& why, bool rejected) {
  Answer answer;
  answer.failed = 1;
  answer.rejected = rejected ? 1 : 0;
  std::strncpy(answer.text.data(), why.c_str(), answer.text.size() - 1);
  return answer;
}

class Worker {
 public:
  explicit Worker(const RunRequest& request) : request_(request) {}

  Answer Do(const Ask& ask) {
    if (ask.what == Ask::What::kLoad) return Load(ask);
    Kernel& kernel = *slots_.at(ask.slot).kernel;
    Answer answer;
    switch (ask.what) {
      case Ask::What::kPrepare:
        answer.kernel_error = kernel.Prepare();
        break;
      case Ask::What::kRun:
        Run(kernel, ask.runs, &answer);
        break;
      case Ask::What::kCount:
        answer.kernel_error = CountedRun(kernel, ask.runs > 0, ask.caches_warm != 0);
        break;
      case Ask::What::kLoad:
      case Ask::What::kEnd:
        break;
    }
    std::strncpy(answer.text.data(), TakeFirstError().c_str(), answer.text.size() - 1);
    return answer;
  }

 private:
  struct Slot {
    std::unique_ptr<LoadedElf> elf;
    uint32_t candidate = 0;
    std::unique_ptr<EntryTensors> tensors;
    std::unique_ptr<Kernel> kernel;
  };

  Answer Load(const Ask& ask) {
    const CandidateSpec& candidate = request_.candidates.at(ask.candidate);
    const EntrySpec& entry = candidate.entries.at(ask.entry);
    if (slots_.size() <= ask.slot) slots_.resize(ask.slot + 1);
    Slot& slot = slots_[ask.slot];
    slot.kernel.reset();
    slot.tensors.reset();
    std::string error;
    if (slot.elf == nullptr || slot.candidate != ask.candidate) {
      slot.elf.reset();
      std::vector<uint8_t> file;
      if (!ReadArtifact(candidate.artifact_path, &file, &error)) {
        return Failure(error, !file.empty());  // it is there, and too large
      }
      slot.elf = LoadedElf::Load(file, ResolveSymbol, &error);
      if (slot.elf == nullptr) return Failure(error, true);
      slot.candidate = ask.candidate;
    }
    slot.tensors = std::make_unique<EntryTensors>(entry, kSharedMemoryFd, ask.offset);
    slot.kernel = Kernel::Make(*slot.elf, entry, *slot.tensors, &error);
    return slot.kernel == nullptr ? Failure(error, true) : Answer{};
  }

  static void Run(Kernel& kernel, int64_t runs, Answer* answer) {
    SettleThreads();
    answer->begin_ns = MonotonicNs();
    for (int64_t i = 0; i < runs; ++i) {
      const int error = kernel.Run();
      if (error != 0) answer->kernel_error = error;
    }
    answer->end_ns = MonotonicNs();
  }

  const RunRequest& request_;
  std::vector<Slot> slots_;
};

ControlPage* MapControlPage() {
  void* p = mmap(nullptr, kControlBytes, PROT_READ | PROT_WRITE, MAP_SHARED, kSharedMemoryFd, 0);
  if (p == MAP_FAILED) throw std::bad_alloc();
  return static_cast<ControlPage*>(p);
}

}  // namespace

void ServeJudge(const RunRequest& request, const std::string& why_not) {
  WorkersEnd judge(MapControlPage(), kAnswersFd, /*awake=*/request.mode != RunMode::kCount);
  Worker worker(request);
  for (Ask ask = judge.Next(); ask.what != Ask::What::kEnd; ask = judge.Next()) {
    judge.Tell(why_not.empty() ? worker.Do(ask) : Failure(why_not, false));
  }
}

}  // namespace halyard
