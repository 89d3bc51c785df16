#include <gtest/gtest.h>

extern "C" {
#include "targets/virtual_board/decode_aarch64.h"
}

namespace {

struct Case {
  uint32_t word;
  const char* text;
  const char* class_name;
  unsigned slots;
};

// Words as GNU as encodes the text.
constexpr Case kCases[] = {
    {0x4e22cc20, "fmla v0.4s, v1.4s, v2.4s", "simd_fma", 1},
    {0x4fa21020, "fmla v0.4s, v1.4s, v2.s[1]", "simd_fma", 1},
    {0x4ea2cc20, "fmls v0.4s, v1.4s, v2.4s", "simd_fma", 1},
    {0x0f821020, "fmla v0.2s, v1.2s, v2.s[0]", "simd_d", 1},
    {0x4fa29820, "fmul v0.4s, v1.4s, v2.s[3]", "simd", 1},
    {0x4e22d420, "fadd v0.4s, v1.4s, v2.4s", "simd", 1},
    {0x4e22f420, "fmax v0.4s, v1.4s, v2.4s", "simd", 1},
    {0x6e22fc20, "fdiv v0.4s, v1.4s, v2.4s", "simd_div", 2},
    {0x6ea1f820, "fsqrt v0.4s, v1.4s", "simd_div", 2},
    {0x1e221820, "fdiv s0, s1, s2", "fp_div", 1},
    {0x1e21c020, "fsqrt s0, s1", "fp_div", 1},
    {0x1f020c20, "fmadd s0, s1, s2, s3", "fp_scalar", 1},
    {0x1e222820, "fadd s0, s1, s2", "fp_scalar", 1},
    {0x1e380020, "fcvtzs w0, s1", "fp_scalar", 1},
    {0x4e21d820, "scvtf v0.4s, v1.4s", "simd", 1},
    {0x4e040c20, "dup v0.4s, w1", "simd", 1},
    {0x4f000400, "movi v0.4s, #0x0", "simd", 1},
    {0x6e022020, "ext v0.16b, v1.16b, v2.16b, #4", "simd", 1},
    {0x3dc00020, "ldr q0, [x1]", "simd_load", 1},
    {0x3cc10c20, "ldr q0, [x1, #16]!", "simd_load", 1},
    {0xbc627820, "ldr s0, [x1, x2, lsl #2]", "simd_load", 1},
    {0xad400440, "ldp q0, q1, [x2]", "simd_load", 2},
    {0x4c407820, "ld1 {v0.4s}, [x1]", "simd_load", 1},
    {0x4c402820, "ld1 {v0.4s-v3.4s}, [x1]", "simd_load", 4},
    {0x4d40c820, "ld1r {v0.4s}, [x1]", "simd_load", 1},
    {0xa8c17bfd, "ldp x29, x30, [sp], #16", "load", 1},
    {0xf9400420, "ldr x0, [x1, #8]", "load", 1},
    {0xb85fc020, "ldur w0, [x1, #-4]", "load", 1},
    {0xb9800020, "ldrsw x0, [x1]", "load", 1},
    {0x3d800020, "str q0, [x1]", "simd_store", 1},
    {0x3c9f0020, "stur q0, [x1, #-16]", "simd_store", 1},
    {0xad000440, "stp q0, q1, [x2]", "simd_store", 2},
    {0xbd000020, "str s0, [x1]", "store", 1},
    {0xa9bf7bfd, "stp x29, x30, [sp, #-16]!", "store", 1},
    {0x4c007820, "st1 {v0.4s}, [x1]", "simd_store", 1},
    {0xb9000020, "str w0, [x1]", "store", 1},
    {0x8b020020, "add x0, x1, x2", "int", 1},
    {0x91001020, "add x0, x1, #0x4", "int", 1},
    {0xeb01001f, "cmp x0, x1", "int", 1},
    {0x9a82b020, "csel x0, x1, x2, lt", "int", 1},
    {0x90000000, "adrp x0,", "int", 1},
    {0x9b020c20, "madd x0, x1, x2, x3", "mul", 1},
    {0x9b227c20, "smull x0, w1, w2", "mul", 1},
    {0x1ac20c20, "sdiv w0, w1, w2", "div", 1},
    {0x14000000, "b", "branch", 1},
    {0x5400000b, "b.lt", "branch", 1},
    {0xb5000000, "cbnz x0,", "branch", 1},
    {0x36180000, "tbz w0, #3,", "branch", 1},
    {0xd63f0020, "blr x1", "branch", 1},
    {0xd65f03c0, "ret", "branch", 1},
    {0xd503201f, "nop", "other", 1},
    {0xd5032a1f, "hint #0x50", "other", 1},
    {0xd4000001, "svc #0x0", "other", 1},
    {0xc85f7c20, "ldxr x0, [x1]", "load", 1},
    {0xf9800000, "prfm pldl1keep, [x0]", "load", 1},
};

TEST(DecodeAarch64, ClassOfEveryKindOfInstruction) {
  for (const Case& c : kCases) {
    const DecodedInstruction decoded = DecodeAarch64(c.word);
    EXPECT_STREQ(InstructionClassName(decoded.class_), c.class_name) << c.text;
    EXPECT_EQ(decoded.slots, c.slots) << c.text;
  }
}

TEST(DecodeAarch64, EveryWordHasAClass) {
  for (uint64_t word = 0; word <= UINT32_MAX; word += 997) {
    const DecodedInstruction decoded = DecodeAarch64(static_cast<uint32_t>(word));
    ASSERT_LT(decoded.class_, kInstructionClasses);
    ASSERT_GE(decoded.slots, 1u);
    ASSERT_LE(decoded.slots, 4u);
  }
}

}  // namespace
