#include "rpc_farm/tracker/fair_share.h"

#include <gtest/gtest.h>

namespace halyard {
namespace {

TEST(FairShare, WhoHadLessGoesFirst) {
  FairShare shares;
  shares.Enter("ann");
  shares.Enter("bob");
  EXPECT_TRUE(shares.Before("ann", "bob")) << "by name where both had the same";
  shares.Charge("ann", 3);
  EXPECT_TRUE(shares.Before("bob", "ann"));
  shares.Charge("bob", 4);
  EXPECT_TRUE(shares.Before("ann", "bob"));
}

TEST(FairShare, AwayIsNoClaim) {
  FairShare shares;
  shares.Enter("ann");
  shares.Charge("ann", 1000);
  shares.Enter("bob");
  EXPECT_EQ(shares.seconds("bob"), 1000);
  // Nor does leaving and coming back pay.
  shares.Charge("bob", 50);
  shares.Leave("bob");
  shares.Enter("bob");
  EXPECT_EQ(shares.seconds("bob"), 1050);
}

TEST(FairShare, WhatIsOverIsForgottenOnceTheOthersAreLevel) {
  FairShare shares;
  shares.Enter("ann");
  shares.Charge("ann", 10);
  shares.Leave("ann");
  shares.Enter("bob");
  shares.Charge("bob", 100);
  shares.Enter("cyd");
  EXPECT_EQ(shares.seconds("cyd"), 100);
  shares.Enter("ann");
  EXPECT_EQ(shares.seconds("ann"), 100);
}

}  // namespace
}  // namespace halyard
