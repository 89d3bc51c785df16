#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tuner/library/generated_text.h"

namespace halyard {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(CpuCheckText, ABaselineTargetAsksNothing) {
  for (const char* target : {"arm-64-linux", "x86-64-linux"}) {
    const auto text = CpuCheckText(target);
    ASSERT_TRUE(text.ok()) << target;
    EXPECT_THAT(*text, HasSubstr("cpu_supported(void) { return 1; }"));
    EXPECT_THAT(*text, Not(HasSubstr("cpuid")));
  }
}

TEST(CpuCheckText, AsksForFeaturesAndForTheSystemToSaveTheirRegisters) {
  const auto avx2 = CpuCheckText("x86-64-linux-avx-avx2-f16c-fma-sse41");
  ASSERT_TRUE(avx2.ok());
  for (const char* bit : {"bit_AVX2", "bit_FMA", "bit_F16C", "bit_BMI2", "bit_LZCNT", "0x6u"}) {
    EXPECT_THAT(*avx2, HasSubstr(bit));
  }
  EXPECT_THAT(*avx2, Not(HasSubstr("AVX512")));
  const auto avx512 = CpuCheckText("x86-64-linux-avx-avx2-avx512-avx512_skylake-fma");
  ASSERT_TRUE(avx512.ok());
  for (const char* bit : {"bit_AVX512F", "bit_AVX512VL", "0xe6u"}) {
    EXPECT_THAT(*avx512, HasSubstr(bit));
  }
}

TEST(CpuCheckText, Arm64AsksTheKernel) {
  const auto fp16 = CpuCheckText("arm-64-linux-arm_dot_prod-arm_fp16");
  ASSERT_TRUE(fp16.ok());
  EXPECT_THAT(*fp16, HasSubstr("(1UL << 20 /* ASIMDDP */) | (1UL << 9 /* FPHP */)"));
  EXPECT_THAT(*fp16, HasSubstr("getauxval(AT_HWCAP)"));
  EXPECT_THAT(*fp16, Not(HasSubstr("AT_HWCAP2")));
  EXPECT_THAT(CpuCheckText("arm-64-android-sve2").value(), HasSubstr("getauxval(AT_HWCAP2)"));
}

TEST(CpuCheckText, AFeatureItCannotAskForIsNamed) {
  for (const char* target :
       {"x86-64-linux-avx-xop", "arm-64-linux-hvx_128", "arm-32-linux-armv7s"}) {
    const auto text = CpuCheckText(target);
    EXPECT_EQ(text.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(text.status().message()),
                testing::AnyOf(HasSubstr("'xop'"), HasSubstr("'hvx_128'"), HasSubstr("'armv7s'")));
  }
}

}  // namespace
}  // namespace halyard
