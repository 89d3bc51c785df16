// Artifacts as a board's runner loads them into itself, and as an agent looks at them before.
#include <algorithm>

#include "targets/artifact_header.h"
#include "targets/board_runner/elf_loader.h"
#include "tests/fuzz/elf_mutation.h"
#include "tests/fuzz/fuzz_input.h"

namespace halyard {
namespace {

#if defined(__x86_64__)
constexpr char kHere[] = "x86_64-linux-gnu";
#else
constexpr char kHere[] = "aarch64-linux-gnu";
#endif

bool IsOneLine(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

void* Resolve(const std::string& name) {
  static int callee;
  return name.rfind("halide_", 0) == 0 ? &callee : nullptr;
}

void LookAt(const std::string& bytes, bool loads) {
  for (const char* triplet : {"x86_64-linux-gnu", "aarch64-linux-gnu", "aarch64-linux-android",
                              "thumbv7em-none-eabihf"}) {
    const absl::Status status =
        CheckArtifactHeader(std::string_view(bytes).substr(0, kArtifactHeaderBytes), triplet);
    Require(IsOneLine(std::string(status.message())), "a refusal is one line");
    Require(!loads || status.ok() == (std::string_view(triplet) == kHere),
            "an agent takes for a board what its runner loads, and for no other");
  }
}

}  // namespace
}  // namespace halyard

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using halyard::Require;
  const std::vector<uint8_t> file(data, data + size);
  std::string error;
  const auto elf = halyard::LoadedElf::Load(file, halyard::Resolve, &error);
  if (elf == nullptr) {
    Require(error.rfind("bad artifact: ", 0) == 0, "what is wrong is said");
    Require(halyard::IsOneLine(error) && error.size() < 400, "in one line of plain text");
  } else {
    (void)elf->Find("kernel_argv");
    Require(elf->Find("no such function") == nullptr, "what is not there is not found");
  }
  halyard::LookAt(std::string(data, data + size), elf != nullptr);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  return halyard::MutateElf(data, size, most, seed);
}
