// The accuracy the header states, over the whole range.

#include "schedules/exp2.h"

#include <gtest/gtest.h>

#include <cmath>

namespace halyard {
namespace {

TEST(Exp2NonPositive, IsWithinItsStatedErrorOverTheWholeRange) {
  constexpr int kPoints = 1 << 20;
  Halide::Buffer<float> in(kPoints + 1);
  for (int k = 0; k <= kPoints; k++) in(k) = -126.0f + static_cast<float>(k) * (126.0f / kPoints);
  Halide::Var i("i");
  Halide::Func f;
  f(i) = Exp2NonPositive(in(i));
  f.vectorize(i, 16);
  const Halide::Buffer<float> out = f.realize({kPoints + 1});
  double largest = 0;
  for (int k = 0; k <= kPoints; k++) {
    largest = std::max(largest, std::fabs(out(k) / std::exp2(static_cast<double>(in(k))) - 1));
  }
  EXPECT_LT(largest, 2.5e-7);
  EXPECT_EQ(out(kPoints), 1.0f) << "2^0";
}

TEST(Exp2NonPositive, IsFlatAndTinyBelowItsRange) {
  Halide::Func f;
  Halide::Var i("i");
  Halide::Buffer<float> in(3);
  in(0) = kMaskedScore;
  in(1) = -1000.0f;
  in(2) = -126.5f;
  f(i) = Exp2NonPositive(in(i));
  const Halide::Buffer<float> out = f.realize({3});
  for (int k = 0; k < 3; k++) EXPECT_EQ(out(k), std::ldexp(1.0f, -126));
}

}  // namespace
}  // namespace halyard
