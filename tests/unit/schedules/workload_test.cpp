#include "schedules/workload.h"

#include <gtest/gtest.h>

#include "schedules/operator.h"

namespace halyard {
namespace {

TEST(Workload, TextRoundTripsAndIsCanonical) {
  const std::pair<const char*, const char*> cases[] = {
      {"gemm:8x16x32:f32", "gemm:8x16x32:f32"},
      {"batch_gemm:3x8x16x32,packed=1:f32", "batch_gemm:3x8x16x32,packed=1:f32"},
      {"attention:16x4096x40:f32", "attention:16x4096x40:f32"},
      {"attention:2x8x8x4:f32", "attention:2x8x4:f32"},
      {"attention:2x8x9x4,causal=1:f32", "attention:2x8x9x4,causal=1:f32"},
      {"conv2d:1x8x8x4x4x3x3,groups=4,pad=1,stride=1:f32",
       "conv2d:1x8x8x4x4x3x3,pad=1,groups=4:f32"},
      {"softmax:3x5:f32", "softmax:3x5:f32"},
      {"gemm:128x3072x768,bias=1,act=gelu:f32", "gemm:128x3072x768,bias=1,act=gelu:f32"},
      {"gemm:8x16x32,act=relu,residual=1,packed=1:f32",
       "gemm:8x16x32,packed=1,residual=1,act=relu:f32"},
      {"gemm:8x16x32,act=none,bias=0:f32", "gemm:8x16x32:f32"},
      {"conv2d:1x8x8x4x4x3x3,act=relu,bias=1,pad=1:f32",
       "conv2d:1x8x8x4x4x3x3,pad=1,bias=1,act=relu:f32"},
  };
  for (const auto& [text, canonical] : cases) {
    const auto w = ParseWorkload(text);
    ASSERT_TRUE(w.ok()) << w.status();
    EXPECT_EQ(w->ToText(), canonical);
    EXPECT_EQ(*ParseWorkload(w->ToText()), *w);
  }
}

TEST(Workload, RefusesWithTheArgumentNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"gemm:8x16:f32", "2 sizes"},
      {"batch_gemm:8x16x4:f32", "four sizes BxMxNxK"},
      {"gemm:8x0x3:f32", "size 2"},
      {"gemm:8x3x4.5:f32", "'4.5'"},
      {"gemm:8x3x 4:f32", "' 4'"},
      {"gemm:8x3x4:f64", "'f64'"},
      {"gemm:8x3x4", "OP:SHAPE:DTYPE"},
      {"gemm:8x3x4,alpha=2:f32", "alpha"},
      {"gemm:8x3x4,act=tanh:f32", "act is 'tanh'; give one of none, relu, gelu"},
      {"gemm:8x3x4,act=1:f32", "act is '1'"},
      {"gemm:8x3x4,bias=2:f32", "bias is 2"},
      {"softmax:8x3,act=relu:f32", "'act=relu'"},
      {"softmax:50000x50000:f32", "2147483648"},
      {"conv2d:1x5x5x4x4x7x7:f32", "spans 7"},
      {"conv2d:1x5x5x4x6x3x3,groups=3:f32", "input channels"},
  };
  for (const auto& [text, named] : cases) {
    const auto w = ParseWorkload(text);
    ASSERT_FALSE(w.ok()) << text;
    EXPECT_NE(std::string(w.status().message()).find(named), std::string::npos) << w.status();
  }
}

TEST(Workload, FlopsLeaveOutProductsWithPadding) {
  const auto flops = [](const char* text) {
    const Workload w = ParseWorkload(text).value();
    return FindOperator(w.op)->Flops(w);
  };
  EXPECT_EQ(flops("gemm:2x3x4:f32"), 48);
  EXPECT_EQ(flops("batch_gemm:5x2x3x4:f32"), 5 * 48);
  EXPECT_EQ(flops("gemm:2x3x4,bias=1,residual=1,act=gelu:f32"), 48 + 2 * 6);
  // A 3x3 kernel over 4x4 padded by 1: 10 of 12 taps along each axis lie inside.
  EXPECT_EQ(flops("conv2d:1x4x4x1x1x3x3,pad=1:f32"), 2 * 100);
  EXPECT_EQ(flops("attention:1x4x2:f32"), 4 * 4 * 4 * 2);
  // Causal rows see 1, 2, 3, 4 keys.
  EXPECT_EQ(flops("attention:1x4x2,causal=1:f32"), 4 * 10 * 2);
}

}  // namespace
}  // namespace halyard
