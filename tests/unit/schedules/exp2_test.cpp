// The accuracy that the header states, for every float there is: all of the non-positive ones are
// evaluated, and compared with 2^x in double wherever the answer is not simply known.

#include "schedules/exp2.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <iostream>
#include <limits>

namespace halyard {
namespace {

// Non-positive floats in the order of their bits: -0, then away from zero to minus infinity.
constexpr uint32_t kMinusZero = 0x80000000u;
constexpr uint32_t kMinusTiny = 0xb2800000u;  // -2^-26
constexpr uint32_t kClamp = 0xc2fc0000u;      // -126
constexpr uint32_t kMinusInfinity = 0xff800000u;
constexpr int kChunk = 1 << 18;  // floats at a time: arguments and results stay in cache

float FromBits(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

// 2^x of `kChunk` floats whose bits count up, compiled as kernels are.
class Exp2OfConsecutiveFloats {
 public:
  Exp2OfConsecutiveFloats() {
    Halide::Var i("i");
    const Halide::Expr x = Halide::reinterpret<float>(first_ + Halide::cast<uint32_t>(i));
    f_(i) = Exp2NonPositive(x);
    f_.vectorize(i, 16);
    f_.compile_jit();
  }
  const float* operator()(uint32_t first) {
    first_.set(first);
    f_.realize(out_);
    return out_.begin();
  }

 private:
  Halide::Param<uint32_t> first_{"first"};
  Halide::Func f_{"exp2"};
  Halide::Buffer<float> out_{kChunk};
};

// Floats with bits from `first` on, up to `last` itself, that do not give `expected`.
int64_t CountOthers(uint32_t first, uint32_t last, float expected) {
  Exp2OfConsecutiveFloats exp2;
  const std::vector<float> all(kChunk, expected);
  int64_t others = 0;
  for (uint64_t chunk = first; chunk <= last; chunk += kChunk) {
    const float* out = exp2(static_cast<uint32_t>(chunk));
    const auto count = static_cast<size_t>(std::min<uint64_t>(kChunk, last - chunk + 1));
    if (std::memcmp(out, all.data(), count * sizeof(float)) == 0) continue;
    for (size_t i = 0; i < count; i++) others += out[i] != expected;
  }
  return others;
}

TEST(Exp2NonPositive, IsWithinItsStatedErrorForEveryFloatDownToTheClamp) {
  Exp2OfConsecutiveFloats exp2;
  double largest = 0;
  float worst = 0;
  static_assert((kClamp - kMinusTiny) % kChunk == 0);
  for (uint32_t chunk = kMinusTiny; chunk < kClamp; chunk += kChunk) {
    const float* out = exp2(chunk);
    for (uint32_t i = 0; i < kChunk; i++) {
      // Both scaled by the power of two that brings the exact one to [1, 2): exact, and not slow.
      const double x = FromBits(chunk + i), whole = std::floor(x);
      const double exact = std::exp2(x - whole);
      const double error = std::fabs(std::ldexp(double{out[i]}, -static_cast<int>(whole)) - exact);
      if (!(error <= largest)) largest = error, worst = FromBits(chunk + i);
    }
  }
  largest *= 0x1p23;
  std::cout << "largest error " << largest << " ulp, at " << worst << "\n";
  const Halide::Target target = Halide::get_jit_target_from_environment();
  const bool fused = target.arch == Halide::Target::ARM || target.has_feature(Halide::Target::FMA);
  EXPECT_LE(largest, fused ? kExp2MaxUlp : kExp2MaxUlpUnfused);
}

// 2^x is within a fifth of an ulp of 1 there, so nothing else would be right.
TEST(Exp2NonPositive, IsOneForEveryTinyArgument) {
  EXPECT_EQ(CountOthers(kMinusZero, kMinusTiny, 1.0f), 0);
  EXPECT_EQ(CountOthers(0, 0, 1.0f), 0) << "of +0";
}

// Where the result would be denormal, or zero.
TEST(Exp2NonPositive, IsTheSmallestNormalFloatFromTheClampToMinusInfinity) {
  EXPECT_EQ(CountOthers(kClamp, kMinusInfinity, std::numeric_limits<float>::min()), 0);
}

}  // namespace
}  // namespace halyard
