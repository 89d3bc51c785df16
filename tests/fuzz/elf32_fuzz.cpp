// Objects and images of boards without an operating system, as an agent reads them.
#include "targets/elf32.h"
#include "tests/fuzz/elf_mutation.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using halyard::Require;
  const std::string bytes(data, data + size);
  const auto elf = halyard::ParseElf32(bytes);
  if (!elf.ok()) {
    Require(absl::IsInvalidArgument(elf.status()), "the file is at fault");
    Require(elf.status().message().find('\n') == std::string_view::npos, "one line");
    return 0;
  }
  size_t segment_bytes = 0;
  for (const halyard::Elf32Segment& segment : elf->segments) {
    Require(!segment.bytes.empty(), "a segment has bytes");
    segment_bytes += segment.bytes.size();
  }
  Require(segment_bytes <= 4 * size, "a small file is no large image");
  size_t names = 0;
  for (const auto& [name, symbol] : elf->symbols) {
    Require(!name.empty() && name.find('\0') == std::string::npos, "a symbol has a name");
    Require(elf->ValueOf(name).ok() == symbol.defined, "what is defined has a value");
    names += name.size();
  }
  Require(names <= 4 * size * size, "names are of the file");
  Require(!elf->ValueOf("no such symbol").ok(), "what is not there is not found");
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  return halyard::MutateElf(data, size, most, seed);
}
