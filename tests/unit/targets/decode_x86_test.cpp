#include "targets/virtual_board/decode_x86.h"

#include <gtest/gtest.h>

#include <string>

namespace halyard {
namespace {

// "simd_load v0: x0 x1; simd_fma v2: t v3 +v2" and the like.
std::string Text(const std::vector<uint8_t>& bytes) {
  const auto name = [](uint8_t r) -> std::string {
    if (r == kFlagsRegister) return "flags";
    if (r >= kFirstTemporary) return "t";
    return (r >= kVectorRegister ? "v" : "x") + std::to_string(r % kVectorRegister);
  };
  std::string text;
  for (const Instruction& i : DecodeX86(bytes)) {
    text += (text.empty() ? ""
             : i.rides    ? " & "
                          : "; ") +
            std::string(InstructionClassName(i.class_));
    for (int k = 0; k < i.n_results; k++) text += " " + name(i.results[k]);
    text += ":";
    for (int k = 0; k < i.n_sources; k++) {
      text += std::string(" ") + (i.sources[k] == i.accumulator ? "+" : "") + name(i.sources[k]);
    }
  }
  return text;
}

TEST(DecodeX86, PartsAndRegisters) {
  const struct {
    std::vector<uint8_t> bytes;
    const char* assembly;
    const char* parts;
  } cases[] = {
      {{0xc4, 0xe2, 0x75, 0xb8, 0xc2}, "vfmadd231ps ymm0, ymm1, ymm2", "simd_fma v0: +v0 v1 v2"},
      {{0xc4, 0xe2, 0x75, 0xb8, 0x00},
       "vfmadd231ps ymm0, ymm1, [rax]",
       "simd_load t: x0 & simd_fma v0: t +v0 v1"},
      {{0xc4, 0xe2, 0x7d, 0x18, 0x04, 0x88},
       "vbroadcastss ymm0, [rax+rcx*4]",
       "simd_load v0: x0 x1"},
      {{0xc5, 0xfc, 0x10, 0x40, 0x20}, "vmovups ymm0, [rax+32]", "simd_load v0: x0"},
      {{0xc5, 0xfc, 0x11, 0x40, 0x20}, "vmovups [rax+32], ymm0", "simd_store: x0 v0"},
      {{0xc5, 0xf4, 0x58, 0xc2}, "vaddps ymm0, ymm1, ymm2", "simd_add v0: v1 v2"},
      {{0x48, 0x83, 0xc0, 0x20}, "add rax, 32", "int x0 flags: x0"},
      {{0x48, 0x39, 0xc8}, "cmp rax, rcx", "int flags: x0 x1"},
      {{0x48, 0x8b, 0x08}, "mov rcx, [rax]", "load x1: x0"},
      {{0x48, 0x89, 0x08}, "mov [rax], rcx", "store: x0 x1"},
      {{0x48, 0x8d, 0x04, 0x11}, "lea rax, [rcx+rdx]", "int x0: x1 x2"},
      {{0x75, 0xfe}, "jne", "branch: flags"},
  };
  for (const auto& c : cases) EXPECT_EQ(Text(c.bytes), c.parts) << c.assembly;
}

TEST(DecodeX86, AZeroingIdiomWaitsForNothing) {
  const std::vector<Instruction> block = DecodeX86({0xc5, 0xfc, 0x57, 0xc0});  // vxorps ymm0 x3
  ASSERT_EQ(block.size(), 1u);
  EXPECT_TRUE(block[0].ends_chain);
}

}  // namespace
}  // namespace halyard
