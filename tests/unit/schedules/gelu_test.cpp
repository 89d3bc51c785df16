// The accuracy the header states, over the whole range.

#include "schedules/gelu.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace halyard {
namespace {

Halide::Buffer<float> GeluOf(const Halide::Buffer<float>& in) {
  Halide::Var i("i");
  Halide::Func f;
  f(i) = Gelu(in(i));
  f.vectorize(i, 16, Halide::TailStrategy::GuardWithIf);
  return f.realize({in.width()});
}

TEST(Gelu, IsWithinItsStatedErrorOverTheWholeRange) {
  constexpr int kPoints = 1 << 22;
  constexpr float kEnd = 20;
  Halide::Buffer<float> in(kPoints + 1);
  for (int k = 0; k <= kPoints; k++) in(k) = kEnd * (2 * static_cast<float>(k) / kPoints - 1);
  const Halide::Buffer<float> out = GeluOf(in);
  double largest = 0;
  float at = 0;
  for (int k = 0; k <= kPoints; k++) {
    const double x = in(k), exact = x * 0.5 * std::erfc(-x * std::sqrt(0.5));
    const double error = std::fabs(out(k) - exact) / std::max(1.0, std::fabs(x));
    if (error > largest) at = in(k);
    largest = std::max(largest, error);
  }
  EXPECT_LE(largest, kGeluError) << "at " << at;
  EXPECT_GT(largest, kGeluError / 4) << "states too much";
}

TEST(Gelu, HasItsLimits) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::pair<float, float> cases[] = {
      {0.0f, 0.0f}, {1e30f, 1e30f}, {infinity, infinity}, {20.0f, 20.0f}};
  Halide::Buffer<float> in(7);
  for (int k = 0; k < 4; k++) in(k) = cases[k].first;
  in(4) = -20.0f;
  in(5) = -1e30f;
  in(6) = -infinity;
  const Halide::Buffer<float> out = GeluOf(in);
  for (int k = 0; k < 4; k++) EXPECT_EQ(out(k), cases[k].second);
  for (int k = 4; k < 7; k++) EXPECT_NEAR(out(k), 0, 1e-30) << in(k);
}

}  // namespace
}  // namespace halyard
