#include "targets/virtual_board/decode_aarch64.h"

#include <gtest/gtest.h>

#include <string>

namespace halyard {
namespace {

struct Case {
  uint32_t word;
  const char* text;
  const char* class_name;
  unsigned slots;
  const char* sources = nullptr;  // "v1 v2 +v0": + marks the accumulator
  const char* results = nullptr;  // ! marks an address register written back
};

// Words as GNU as encodes the text.
constexpr Case kCases[] = {
    {0x4e22cc20, "fmla v0.4s, v1.4s, v2.4s", "simd_fma", 1, "v1 v2 +v0", "v0"},
    {0x4fa21020, "fmla v0.4s, v1.4s, v2.s[1]", "simd_fma", 1, "v1 v2 +v0", "v0"},
    {0x4ea2cc20, "fmls v0.4s, v1.4s, v2.4s", "simd_fma", 1},
    {0x0f821020, "fmla v0.2s, v1.2s, v2.s[0]", "simd_fma", 1},
    {0x4fa29820, "fmul v0.4s, v1.4s, v2.s[3]", "simd_mul", 1, "v1 v2", "v0"},
    {0x4e22d420, "fadd v0.4s, v1.4s, v2.4s", "simd_add", 1},
    {0x4e22f420, "fmax v0.4s, v1.4s, v2.4s", "simd_add", 1},
    {0x6e22fc20, "fdiv v0.4s, v1.4s, v2.4s", "simd_div", 1, "v1 v2", "v0"},
    {0x6ea1f820, "fsqrt v0.4s, v1.4s", "simd_div", 1, "v1", "v0"},
    {0x1e221820, "fdiv s0, s1, s2", "simd_div", 1},
    {0x1e21c020, "fsqrt s0, s1", "simd_div", 1},
    {0x1f020c20, "fmadd s0, s1, s2, s3", "simd_fma", 1, "v1 v2 +v3", "v0"},
    {0x1e222820, "fadd s0, s1, s2", "simd_add", 1},
    {0x1e380020, "fcvtzs w0, s1", "from_vector", 1, "v1", "x0"},
    {0x4e21d820, "scvtf v0.4s, v1.4s", "simd_convert", 1},
    {0x4e040c20, "dup v0.4s, w1", "to_vector", 1, "x1", "v0"},
    {0x4f000400, "movi v0.4s, #0x0", "simd_int", 1, "", "v0"},
    {0x6e022020, "ext v0.16b, v1.16b, v2.16b, #4", "simd_permute", 1},
    {0x3dc00020, "ldr q0, [x1]", "simd_load", 1, "x1", "v0"},
    {0x3cc10c20, "ldr q0, [x1, #16]!", "simd_load", 1, "x1", "v0 !x1"},
    {0xbc627820, "ldr s0, [x1, x2, lsl #2]", "simd_load", 1, "x1 x2", "v0"},
    {0xad400440, "ldp q0, q1, [x2]", "simd_load", 2, "x2", "v0 v1"},
    {0x4c407820, "ld1 {v0.4s}, [x1]", "simd_load", 1},
    {0x4c402820, "ld1 {v0.4s-v3.4s}, [x1]", "simd_load", 4, "x1", "v0 v1 v2 v3"},
    {0x4d40c820, "ld1r {v0.4s}, [x1]", "simd_load_lane", 1, "x1", "v0"},
    {0xa8c17bfd, "ldp x29, x30, [sp], #16", "load", 1, "", "x29 x30"},
    {0xf9400420, "ldr x0, [x1, #8]", "load", 1},
    {0xb85fc020, "ldur w0, [x1, #-4]", "load", 1},
    {0xb9800020, "ldrsw x0, [x1]", "load", 1},
    {0x3d800020, "str q0, [x1]", "simd_store", 1, "x1 v0", ""},
    {0x3c9f0020, "stur q0, [x1, #-16]", "simd_store", 1},
    {0xad000440, "stp q0, q1, [x2]", "simd_store", 2, "x2 v0 v1", ""},
    {0xbd000020, "str s0, [x1]", "store", 1},
    {0xa9bf7bfd, "stp x29, x30, [sp, #-16]!", "store", 1},
    {0x4c007820, "st1 {v0.4s}, [x1]", "simd_store", 1, "x1 v0", ""},
    {0xb9000020, "str w0, [x1]", "store", 1, "x1 x0", ""},
    {0x8b020020, "add x0, x1, x2", "int", 1, "x1 x2", "x0"},
    {0x91001020, "add x0, x1, #0x4", "int", 1},
    {0xeb01001f, "cmp x0, x1", "int", 1, "x0 x1", "flags"},
    {0x9a82b020, "csel x0, x1, x2, lt", "int", 1, "x1 x2 flags", "x0"},
    {0x90000000, "adrp x0,", "int", 1, "", "x0"},
    {0x9b020c20, "madd x0, x1, x2, x3", "mul", 1, "x1 x2 +x3", "x0"},
    {0x9b227c20, "smull x0, w1, w2", "mul", 1, "x1 x2", "x0"},
    {0x1ac20c20, "sdiv w0, w1, w2", "div", 1},
    {0x14000000, "b", "branch", 1},
    {0x5400000b, "b.lt", "branch", 1, "flags", ""},
    {0xb5000000, "cbnz x0,", "branch", 1, "x0", ""},
    {0x36180000, "tbz w0, #3,", "branch", 1},
    {0xd63f0020, "blr x1", "branch", 1, "x1", "x30"},
    {0xd65f03c0, "ret", "branch", 1, "x30", ""},
    {0xd503201f, "nop", "other", 1, "", ""},
    {0xd5032a1f, "hint #0x50", "other", 1},
    {0xd4000001, "svc #0x0", "other", 1},
    {0xc85f7c20, "ldxr x0, [x1]", "load", 1},
    {0x6e22dc20, "fmul v0.4s, v1.4s, v2.4s", "simd_mul", 1, "v1 v2", "v0"},
    {0x6e621c20, "bsl v0.16b, v1.16b, v2.16b", "simd_int", 1, "v1 v2 v0", "v0"},
    {0x4ea29420, "mla v0.4s, v1.4s, v2.4s", "simd_int_mul", 1, "v1 v2 +v0", "v0"},
    {0x6e30f820, "fmaxv s0, v1.4s", "simd_reduce", 1, "v1", "v0"},
    {0x7e30d820, "faddp s0, v1.2s", "simd_add", 1, "v1", "v0"},
    {0x5e0c0420, "mov s0, v1.s[1]", "simd_permute", 1, "v1", "v0"},
    {0x4e0c1c20, "mov v0.s[1], w1", "to_vector", 1, "x1 v0", "v0"},
    {0x0e0c3c20, "mov w0, v1.s[1]", "from_vector", 1, "v1", "x0"},
    {0x4e010040, "tbl v0.16b, {v2.16b}, v1.16b", "simd_permute", 1, "v2 v1", "v0"},
    {0x0d409020, "ld1 {v0.s}[1], [x1]", "simd_load_lane", 1, "x1 v0", "v0"},
    {0x8b020820, "add x0, x1, x2, lsl #2", "int_lsl", 1, "x1 x2", "x0"},
    {0x8b421c20, "add x0, x1, x2, lsr #7", "int_shift", 1, "x1 x2", "x0"},
    {0xf2800020, "movk x0, #1", "int", 1, "x0", "x0"},
    {0xf9800000, "prfm pldl1keep, [x0]", "load", 1, "x0", ""},
};

std::string Name(uint8_t r) {
  if (r == kFlagsRegister) return "flags";
  return (r >= kVectorRegister ? "v" : "x") + std::to_string(r % kVectorRegister);
}

void Add(const std::string& word, std::string* text) { *text += (text->empty() ? "" : " ") + word; }

TEST(DecodeAarch64, ClassAndRegistersOfEveryKindOfInstruction) {
  for (const Case& c : kCases) {
    const Instruction decoded = DecodeAarch64(c.word);
    EXPECT_STREQ(InstructionClassName(decoded.class_), c.class_name) << c.text;
    EXPECT_EQ(decoded.slots, c.slots) << c.text;
    if (c.sources == nullptr) continue;
    std::string sources, results;
    for (int k = 0; k < decoded.n_sources; k++) {
      const uint8_t r = decoded.sources[k];
      Add((r == decoded.accumulator ? "+" : "") + Name(r), &sources);
    }
    for (int k = 0; k < decoded.n_results; k++) Add(Name(decoded.results[k]), &results);
    if (decoded.written_back != kNoRegister) Add("!" + Name(decoded.written_back), &results);
    EXPECT_EQ(sources, c.sources) << c.text;
    EXPECT_EQ(results, c.results) << c.text;
  }
}

TEST(DecodeAarch64, EveryWordIsOneOfTheClasses) {
  for (uint64_t word = 0; word <= UINT32_MAX; word += 997) {
    const Instruction decoded = DecodeAarch64(static_cast<uint32_t>(word));
    ASSERT_LT(static_cast<int>(decoded.class_), kInstructionClasses);
    ASSERT_GE(decoded.slots, 1u);
    ASSERT_LE(decoded.slots, 4u);
    for (int k = 0; k < decoded.n_sources; k++) ASSERT_LT(decoded.sources[k], kRegisters);
    for (int k = 0; k < decoded.n_results; k++) ASSERT_LT(decoded.results[k], kRegisters);
  }
}

}  // namespace
}  // namespace halyard
