// Reads 32-bit little-endian ELF files for Arm: objects and the images linked of them. See the
// System V ABI, chapters 4 and 5, and "ELF for the Arm Architecture".
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace halyard {

struct Elf32Segment {
  uint32_t address = 0;
  std::string bytes;  // as in the file; what lies beyond is zero and left out
};

struct Elf32Symbol {
  uint32_t value = 0;  // of a function: with bit 0 set in Thumb code
  bool defined = false;
};

struct Elf32 {
  bool relocatable = false;
  uint32_t entry = 0;
  std::vector<Elf32Segment> segments;          // PT_LOAD with bytes in the file
  std::map<std::string, Elf32Symbol> symbols;  // global ones
  uint64_t code_bytes = 0;                     // of sections that are loaded and not written
  // Sum of the frames of all functions, as .stack_sizes tells (LLVM, "Emitting function stack size
  // information"): what the deepest chain of calls without recursion can take.
  uint64_t frame_bytes = 0;

  // NotFound: names the symbol.
  absl::StatusOr<uint32_t> ValueOf(const std::string& symbol) const;
};

// InvalidArgument: not such a file, or cut off; one line, without the file's name.
absl::StatusOr<Elf32> ParseElf32(const std::string& bytes);

}  // namespace halyard
