#include "targets/timing_rules.h"

#include <gtest/gtest.h>

namespace halyard {
namespace {

TEST(GivenUp, AfterTheFirstSampleByFarAndAfterTheSecondByTheFactor) {
  TimingPolicy policy;
  EXPECT_FALSE(GivenUp({1e9}, policy)) << "there is no incumbent";
  policy.incumbent_ns = 100;
  EXPECT_FALSE(GivenUp({449}, policy));
  EXPECT_TRUE(GivenUp({451}, policy));
  EXPECT_TRUE(GivenUp({151, 152}, policy));
  EXPECT_FALSE(GivenUp({151, 149}, policy)) << "the fastest counts";
  EXPECT_FALSE(GivenUp({500, 500, 500}, policy)) << "it has been let through";
}

TEST(WorthTiming, IsWhatMayBeRight) {
  EntryResult right;
  EXPECT_TRUE(WorthTiming(right));
  for (auto damage :
       {+[](EntryResult& r) { r.kernel_error = 1; }, +[](EntryResult& r) { r.poison_left = 1; },
        +[](EntryResult& r) { r.non_finite = 1; }, +[](EntryResult& r) { r.guards_intact = false; },
        +[](EntryResult& r) { r.inputs_intact = false; },
        +[](EntryResult& r) { r.reruns_agree = false; }}) {
    EntryResult wrong;
    damage(wrong);
    EXPECT_FALSE(WorthTiming(wrong));
  }
}

}  // namespace
}  // namespace halyard
