#include "targets/counter_rng.h"

#include <gtest/gtest.h>

#include <cmath>

namespace halyard {
namespace {

// Boards in the field generate their inputs by these values: they may never change.
TEST(CounterRng, KnownValues) {
  EXPECT_EQ(Mix64(0), 0u);
  EXPECT_EQ(Mix64(0x9e3779b97f4a7c15ull), 0xe220a8397b1dcdafull);  // SplitMix64, seed 0
  EXPECT_EQ(CounterBits(0, 0, 0), Mix64(Mix64(0x9e3779b97f4a7c15ull) + 0x9e3779b97f4a7c15ull));
  EXPECT_NE(CounterBits(0, 0, 1), CounterBits(0, 1, 0));
  EXPECT_NE(CounterBits(1, 0, 0), CounterBits(0, 0, 0));
}

TEST(CounterRng, UniformIsUniform) {
  constexpr int kValues = 1 << 20;
  constexpr int kBins = 64;
  double sum = 0, squares = 0, lagged = 0;
  int bins[kBins] = {};
  float previous = 0;
  for (int i = 0; i < kValues; ++i) {
    const float v = CounterUniform(3, 1, static_cast<uint64_t>(i));
    ASSERT_GE(v, -1.0f);
    ASSERT_LT(v, 1.0f);
    ASSERT_EQ(v * (1 << 23), std::floor(v * (1 << 23)));
    sum += v;
    squares += v * v;
    lagged += v * previous;
    previous = v;
    ++bins[static_cast<int>((v + 1) / 2 * kBins)];
  }
  // Five standard deviations.
  EXPECT_NEAR(sum / kValues, 0, 5 * std::sqrt(1.0 / 3 / kValues));
  EXPECT_NEAR(squares / kValues, 1.0 / 3, 5 * std::sqrt(4.0 / 45 / kValues));
  EXPECT_NEAR(lagged / kValues, 0, 5 * std::sqrt(1.0 / 9 / kValues));
  const double expected = static_cast<double>(kValues) / kBins;
  for (int count : bins) EXPECT_NEAR(count, expected, 5 * std::sqrt(expected));
}

TEST(CounterRng, SignsAreBalancedAndDifferByDimension) {
  double sum = 0, product = 0;
  for (uint64_t i = 0; i < 10'000; ++i) {
    sum += ProjectionSign(1, 0, i);
    product += ProjectionSign(1, 0, i) * ProjectionSign(1, 1, i);
  }
  EXPECT_LT(std::abs(sum), 500);
  EXPECT_LT(std::abs(product), 500);
}

}  // namespace
}  // namespace halyard
