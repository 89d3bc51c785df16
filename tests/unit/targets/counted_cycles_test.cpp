#include "targets/counted_cycles.h"

#include <gtest/gtest.h>

namespace halyard {
namespace {

TEST(Makespan, EachCoreTakesTheNextTask) {
  EXPECT_DOUBLE_EQ(Makespan(1, {7}, {4}), 7);
  EXPECT_DOUBLE_EQ(Makespan(9, {7}, {4}), 21);
  // Two cores of 1 and one of 3 cycles: at 6 they have done 14, and one more ends at 7.
  EXPECT_DOUBLE_EQ(Makespan(14, {1, 3}, {2, 1}), 6);
  EXPECT_DOUBLE_EQ(Makespan(15, {1, 3}, {2, 1}), 7);
  // The slow core takes the third task when it is free, however long that lasts.
  EXPECT_DOUBLE_EQ(Makespan(3, {1, 50}, {2, 1}), 50);
  // As many as would take long to deal one by one.
  EXPECT_NEAR(Makespan(int64_t{1} << 40, {1, 2}, {1, 2}), 0x1p39, 2);
}

TEST(CountedCycles, ALoopTakesWhatItsCoresOrItsMemoryTake) {
  EntryResult counted;
  counted.serial_cycles = 50;
  EXPECT_DOUBLE_EQ(CountedCycles(counted, {4}), 50);
  counted.regions = {{9, {63}, 0}};
  EXPECT_DOUBLE_EQ(CountedCycles(counted, {4}), 50 + 21);
  counted.regions.push_back({9, {63}, 200});
  EXPECT_DOUBLE_EQ(CountedCycles(counted, {4}), 50 + 21 + 200);
}

}  // namespace
}  // namespace halyard
