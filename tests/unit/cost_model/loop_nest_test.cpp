#include "cost_model/loop_nest.h"

#include <gtest/gtest.h>

namespace halyard {
namespace {

constexpr std::array<bool, kOperands> kAlongM = {true, false, true}, kAlongN = {false, true, true};
constexpr std::array<double, kOperands> kSpread = {1, 1, 1};

// A body of 100 bytes of A, 400 of B and 10 of C; four of them along M, three along N.
LoopNest Product() {
  LoopNest nest({100, 400, 10});
  nest.Around(4, kAlongM);
  nest.Around(3, kAlongN);
  return nest;
}

TEST(LoopNest, DistinctBytesOfEachLoop) {
  const LoopNest nest = Product();
  EXPECT_EQ(nest.loops(), 2u);
  EXPECT_EQ(nest.runs(), 12);
  EXPECT_EQ(nest.bytes(0), 510);
  EXPECT_EQ(nest.bytes(1, 0), 400);
  EXPECT_EQ(nest.bytes(1, 1), 400);
  EXPECT_EQ(nest.bytes(2, 0), 400);
  EXPECT_EQ(nest.bytes(2, 1), 1200);
  EXPECT_EQ(nest.bytes(2, 2), 120);
}

TEST(LoopNest, TrafficByWhatFits) {
  const LoopNest nest = Product();
  using Bytes = std::array<double, kOperands>;
  // Nothing fits: every run brings everything.
  EXPECT_EQ(nest.Traffic(500, kSpread), (Bytes{1200, 4800, 120}));
  EXPECT_EQ(nest.FittingShare(500, kSpread), 0);
  // The body fits: B stays from one row tile to the next, and comes again with the next columns.
  EXPECT_EQ(nest.Traffic(600, kSpread), (Bytes{1200, 1200, 120}));
  // The inner loop fits: so does A over the outer loop.
  EXPECT_EQ(nest.Traffic(900, kSpread), (Bytes{400, 1200, 120}));
  EXPECT_EQ(nest.Traffic(1e9, kSpread), (Bytes{400, 1200, 120}));
  EXPECT_EQ(nest.FittingShare(1e9, kSpread), 1);
}

TEST(LoopNest, CrowdedSetsTakeMoreRoom) { EXPECT_EQ(Product().Traffic(900, {1, 2, 1})[0], 1200); }

TEST(SetConflict, RowsAPowerOfTwoApart) {
  // 64 sets of 64 bytes; rows 4096 bytes apart all fall into one.
  EXPECT_EQ(SetConflict(8, 64, 4096, 4096, 64), 8);
  EXPECT_EQ(SetConflict(8, 64, 2048, 4096, 64), 4);
  // Four lines a row reach four sets.
  EXPECT_EQ(SetConflict(8, 256, 4096, 4096, 64), 8);
  EXPECT_EQ(SetConflict(100, 256, 4096, 4096, 64), 16);
  // An odd number of lines apart they spread, and so do rows that do not begin on lines.
  EXPECT_EQ(SetConflict(8, 64, 4096 + 64, 4096, 64), 1);
  EXPECT_EQ(SetConflict(8, 64, 4000, 4096, 64), 1);
  EXPECT_EQ(SetConflict(1, 64, 4096, 4096, 64), 1);
}

}  // namespace
}  // namespace halyard
