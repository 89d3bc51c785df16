#include "rpc_farm/thumb_report.h"

#include <gtest/gtest.h>

namespace halyard {
namespace {

TEST(ThumbReport, TheLastLineCounts) {
  const auto count = LastThumbCount("1 int=1\n655360 int=12 fma=4\n");
  ASSERT_TRUE(count.ok()) << count.status();
  EXPECT_EQ(count->cycles, 10);
  EXPECT_EQ(count->instructions, (std::map<std::string, int64_t>{{"int", 12}, {"fma", 4}}));
}

TEST(ThumbReport, GarbageIsNoCount) {
  for (const char* report : {"", "\n", "-1 int=1", "x int=1", "1 int", "1 int=", "1 int=-1",
                             "1 int=1=2", "1 int=1 int=2", "1 int=99999999999999999999"}) {
    EXPECT_FALSE(LastThumbCount(report).ok()) << report;
  }
}

}  // namespace
}  // namespace halyard
