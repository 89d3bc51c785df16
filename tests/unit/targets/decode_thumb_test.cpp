// Encodings are what arm-none-eabi-as makes of the text.
#include "targets/virtual_board/decode_thumb.h"

#include <gtest/gtest.h>

#include <string>

namespace {

struct Case {
  const char* text;
  uint16_t first, second;
  const char* class_name;
  int registers;
};

constexpr Case kCases[] = {
    {"adds r0, r1, r2", 0x1888, 0, "int", 1},
    {"muls r0, r1", 0x4348, 0, "mul", 1},
    {"ldr r0, [pc, #4]", 0x4801, 0, "load", 1},
    {"ldrb r0, [r1, r2]", 0x5c88, 0, "load", 1},
    {"strh r0, [r1, r2]", 0x5288, 0, "store", 1},
    {"str r0, [sp, #4]", 0x9001, 0, "store", 1},
    {"ldm r0!, {r1, r2, r3}", 0xc80e, 0, "load", 3},
    {"push {r4, r5, lr}", 0xb530, 0, "store", 3},
    {"pop {r4, pc}", 0xbd10, 0, "load", 2},
    {"cbz r0", 0xb100, 0, "branch", 1},
    {"bne.n", 0xd102, 0, "branch", 1},
    {"bx lr", 0x4770, 0, "branch", 1},
    {"it eq", 0xbf08, 0, "int", 1},
    {"add.w r0, r1, r2, lsl #2", 0xeb01, 0x0082, "int", 1},
    {"movw r0, #1234", 0xf240, 0x40d2, "int", 1},
    {"ldr.w r0, [r1], #4", 0xf851, 0x0b04, "load", 1},
    {"strb.w r0, [r1, #400]", 0xf881, 0x0190, "store", 1},
    {"ldrd r0, r1, [r2]", 0xe9d2, 0x0100, "load", 2},
    {"strd r0, r1, [r2]", 0xe9c2, 0x0100, "store", 2},
    {"ldm.w r0, {r1, r2, r8, r9}", 0xe890, 0x0306, "load", 4},
    {"tbb [pc, r0]", 0xe8df, 0xf000, "branch", 1},
    {"bl", 0xf000, 0xf830, "branch", 1},
    {"b.w", 0xf000, 0xb9f2, "branch", 1},
    {"bne.w", 0xf040, 0x81f2, "branch", 1},
    {"mla r0, r1, r2, r3", 0xfb01, 0x3002, "mul", 1},
    {"sdiv r0, r1, r2", 0xfb91, 0xf0f2, "div", 1},
    {"isb", 0xf3bf, 0x8f6f, "other", 1},
    {"vadd.f32 s0, s1, s2", 0xee30, 0x0a81, "fp", 1},
    {"vmul.f32 s0, s1, s2", 0xee20, 0x0a81, "fp", 1},
    {"vfma.f32 s0, s1, s2", 0xeea0, 0x0a81, "fp_fma", 1},
    {"vfms.f32 s16, s17, s18", 0xeea8, 0x8ac9, "fp_fma", 1},
    {"vmla.f32 s0, s1, s2", 0xee00, 0x0a81, "fp_fma", 1},
    {"vdiv.f32 s0, s1, s2", 0xee80, 0x0a81, "fp_div", 1},
    {"vsqrt.f32 s0, s1", 0xeeb1, 0x0ae0, "fp_div", 1},
    {"vneg.f32 s0, s1", 0xeeb1, 0x0a60, "fp", 1},
    {"vcvt.s32.f32 s0, s1", 0xeebd, 0x0ae0, "fp", 1},
    {"vmrs APSR_nzcv, fpscr", 0xeef1, 0xfa10, "fp_move", 1},
    {"vmov s1, r0", 0xee00, 0x0a90, "fp_move", 1},
    {"vmov r0, r1, s2, s3", 0xec51, 0x0a11, "fp_move", 1},
    {"vldr s0, [r0, #4]", 0xed90, 0x0a01, "fp_load", 1},
    {"vstr s0, [r0, #4]", 0xed80, 0x0a01, "fp_store", 1},
    {"vldmia r0!, {s0-s3}", 0xecb0, 0x0a04, "fp_load", 4},
    {"vpush {d8-d9}", 0xed2d, 0x8b04, "fp_store", 2},
    {"vmaxnm.f32 s0, s1, s2", 0xfe80, 0x0a81, "fp", 1},
    {"vldrw.u32 q0, [r0]", 0xed90, 0x1f00, "mve_load", 1},
    {"vldrw.u32 q0, [r0, q1]", 0xfc90, 0x0f42, "mve_load", 4},
    {"vstrw.32 q0, [r0, #16]", 0xed80, 0x1f04, "mve_store", 1},
    {"vfma.f32 q0, q1, q2", 0xef02, 0x0c54, "mve", 1},
    {"vfma.f32 q0, q1, r2", 0xee33, 0x0e42, "mve", 1},
    {"vmaxnm.f32 q0, q1, q2", 0xff02, 0x0f54, "mve", 1},
    {"dls lr, r0", 0xf040, 0xe001, "loop", 1},
    {"le lr", 0xf00f, 0xc007, "loop", 1},
};

TEST(DecodeThumb, ClassesAndRegisters) {
  for (const Case& c : kCases) {
    const thumb_instruction d = decode_thumb(c.first, c.second);
    EXPECT_STREQ(thumb_class_names[d.class_], c.class_name) << c.text;
    EXPECT_EQ(d.registers, c.registers) << c.text;
  }
}

}  // namespace
