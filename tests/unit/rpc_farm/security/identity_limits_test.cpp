#include "rpc_farm/security/identity_limits.h"

#include <gtest/gtest.h>

namespace halyard {
namespace {

using std::chrono::milliseconds;

TEST(RateLimit, BurstThenRate) {
  RateLimit limit(10, 5);
  RateLimit::Time now{};
  const auto taken = [&](const std::string& who, int tries) {
    int n = 0;
    for (int i = 0; i < tries; i++) n += limit.Take(who, now);
    return n;
  };
  EXPECT_EQ(taken("eve", 100), 5);
  EXPECT_EQ(taken("ann", 3), 3) << "another's bucket";
  now += milliseconds(99);
  EXPECT_EQ(taken("eve", 100), 0);
  now += milliseconds(1);
  EXPECT_EQ(taken("eve", 100), 1);
  now += milliseconds(100'000);
  EXPECT_EQ(taken("eve", 100), 5) << "never more than a burst";
  // 10 s of trying every millisecond: the rate, whatever is refused in between.
  int in_ten_seconds = 0;
  for (int i = 0; i < 10'000; i++) {
    now += milliseconds(1);
    in_ten_seconds += limit.Take("eve", now);
  }
  EXPECT_NEAR(in_ten_seconds, 100, 1);
  now -= milliseconds(5'000);
  EXPECT_EQ(taken("eve", 10), 0) << "time that goes back fills nothing";
}

TEST(RateLimit, ForgetsBucketsThatAreFullAgain) {
  RateLimit limit(10, 5);
  RateLimit::Time now{};
  for (int i = 0; i < 100'000; i++) {
    now += milliseconds(1);
    EXPECT_TRUE(limit.Take("client" + std::to_string(i), now));
  }
  EXPECT_LT(limit.identities(), 2'000u);
}

TEST(OpenLimit, CountsEachIdentity) {
  OpenLimit limit(2);
  auto one = limit.Enter("ann");
  {
    const auto two = limit.Enter("ann");
    EXPECT_TRUE(two);
    EXPECT_FALSE(limit.Enter("ann"));
    EXPECT_TRUE(limit.IsFull("ann"));
    EXPECT_TRUE(limit.Enter("bob"));
    EXPECT_EQ(limit.open("bob"), 0) << "its place went at once";
  }
  EXPECT_FALSE(limit.IsFull("ann"));
  const auto moved = std::move(*one);
  one.reset();
  EXPECT_EQ(limit.open("ann"), 1);
  const auto three = limit.EnterAnyway("ann"), four = limit.EnterAnyway("ann");
  EXPECT_EQ(limit.open("ann"), 3);
  EXPECT_FALSE(limit.Enter("ann"));
}

TEST(OpenLimit, APlaceMayOutliveIt) {
  std::optional<OpenLimit::Place> place;
  {
    OpenLimit limit(1);
    place.emplace(*limit.Enter("ann"));
  }
  EXPECT_TRUE(place);
}

}  // namespace
}  // namespace halyard
