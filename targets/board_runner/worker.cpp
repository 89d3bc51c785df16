#include "targets/board_runner/worker.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "targets/board_runner/hand_over.h"
#include "targets/board_runner/kernel.h"
#include "targets/board_runner/operands.h"
#include "targets/board_runner/symbol_table.h"

namespace halyard {
namespace {

constexpr int64_t kLongWaitNs = 3'600'000'000'000;

struct Loaded {
  std::vector<std::unique_ptr<Tensor>> inputs;
  std::unique_ptr<Tensor> packed, output;
  std::unique_ptr<LoadedElf> elf;
  std::unique_ptr<Kernel> kernel;
};

std::unique_ptr<Tensor> Shared(const BufferSpec& buffer, int64_t offset) {
  return std::make_unique<Tensor>(buffer.elements(), kSharedFd, offset, Tensor::Side::kWorker);
}

// False and one line in *error where the artifact is none.
bool Load(const HandOver& page, const uint8_t* behind, Loaded* loaded, std::string* error) {
  const auto* text = reinterpret_cast<const char*>(behind);
  const auto request = nlohmann::json::parse(text, text + page.request_bytes).get<RunRequest>();
  const EntrySpec& spec = request.candidates.at(0).entries.at(0);
  ConfigureHalideRuntime(request.threads);
  const uint8_t* artifact = behind + page.request_bytes;
  const int64_t tensors = kHandOverBytes + page.request_bytes + page.artifact_bytes;
  const SharedLayout layout(spec, TensorsBegin(tensors));
  for (size_t i = 0; i < spec.inputs.size(); ++i) {
    loaded->inputs.push_back(Shared(spec.inputs[i], layout.inputs[i]));
  }
  if (spec.prepare) loaded->packed = Shared(spec.prepare->packed, layout.packed);
  loaded->output = Shared(spec.output, layout.output);
  const std::vector<uint8_t> file(artifact, artifact + page.artifact_bytes);
  loaded->elf = LoadedElf::Load(file, ResolveSymbol, error);
  if (loaded->elf == nullptr) return false;
  loaded->kernel = Kernel::Make(*loaded->elf, spec, loaded->inputs, loaded->packed.get(),
                                *loaded->output, error);
  return loaded->kernel != nullptr;
}

void Say(HandOver* page, const std::string& text) {
  const size_t n = std::min(text.size(), sizeof(page->message) - 1);
  std::memcpy(page->message, text.data(), n);
  page->message[n] = '\0';
}

void Answer(HandOver* page, uint32_t number) {
  page->answered.store(number);
  Wake(page->answered);
}

void Serve(HandOver* page, Kernel& kernel) {
  for (uint32_t number = 1;; ++number) {
    while (page->asked.load() != number) WaitWhile(page->asked, number - 1, kLongWaitNs);
    const int64_t runs = page->runs;
    int error = 0;
    const int64_t start = NowNs();
    if (page->what == Asked::kPrepare) {
      error = kernel.Prepare();
    } else {
      for (int64_t i = 0; i < runs && error == 0; ++i) error = kernel.Run();
    }
    page->elapsed_ns = NowNs() - start;
    page->kernel_error = error;
    Say(page, TakeFirstError());
    Answer(page, number);
  }
}

}  // namespace

int RunWorker() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  struct stat file;
  if (fstat(kSharedFd, &file) != 0 || file.st_size < kHandOverBytes) {
    std::fputs("a worker is started by the board runner only\n", stderr);
    return 2;
  }
  auto* page = static_cast<HandOver*>(
      mmap(nullptr, kHandOverBytes, PROT_READ | PROT_WRITE, MAP_SHARED, kSharedFd, 0));
  const void* behind =
      mmap(nullptr, static_cast<size_t>(file.st_size), PROT_READ, MAP_SHARED, kSharedFd, 0);
  if (page == MAP_FAILED || behind == MAP_FAILED) return kExitOutOfMemory;
  Loaded loaded;
  std::string error;
  const bool good =
      Load(*page, static_cast<const uint8_t*>(behind) + kHandOverBytes, &loaded, &error);
  munmap(const_cast<void*>(behind), static_cast<size_t>(file.st_size));
  close(kSharedFd);
  Say(page, error);
  page->stage = good ? WorkerStage::kLoaded : WorkerStage::kRefused;
  Wake(page->answered);
  if (good) Serve(page, *loaded.kernel);
  return 0;
}

}  // namespace halyard
