#include "rpc_farm/canary/drift_watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <vector>

namespace halyard {
namespace {

using std::chrono::milliseconds;

// As a board's worker does: until it is known how the board is.
CanaryVerdict Look(DriftWatch& watch, const std::function<double()>& canary) {
  CanaryVerdict verdict = CanaryVerdict::kAgain;
  while (verdict == CanaryVerdict::kAgain) verdict = watch.Take(canary(), {});
  return verdict;
}

class DriftWatchTest : public testing::Test {
 protected:
  DriftWatchTest() {
    for (int i = 0; i < 2; ++i) EXPECT_EQ(Take(100), CanaryVerdict::kAgain);
    EXPECT_EQ(Take(100), CanaryVerdict::kGood);
  }
  CanaryVerdict Take(double figure) { return watch_.Take(figure, now_); }

  DriftClock::time_point now_ = DriftClock::time_point(milliseconds(1'000'000));
  DriftWatch watch_;
};

TEST_F(DriftWatchTest, ABoardsFirstThreeMakeItsBaseline) {
  DriftWatch watch;
  EXPECT_EQ(watch.drift(), 1);
  EXPECT_FALSE(watch.baseline().has_value());
  watch.Take(130, now_);
  watch.Take(90, now_);
  EXPECT_EQ(watch.Take(100, now_), CanaryVerdict::kGood);
  EXPECT_EQ(watch.baseline(), 100);
  EXPECT_EQ(watch.drift(), 1);
}

TEST_F(DriftWatchTest, IsDueAfterTwentyRunsOrAMinute) {
  EXPECT_EQ(watch_.Due(), now_ + milliseconds(60'000));
  const auto later = now_ + milliseconds(5'000);
  for (int i = 0; i < 19; ++i) watch_.RunEnded(later);
  EXPECT_EQ(watch_.Due(), now_ + milliseconds(60'000));
  watch_.RunEnded(later);
  EXPECT_EQ(watch_.Due(), later);
  watch_.RunEnded(later + milliseconds(1));
  EXPECT_EQ(watch_.Due(), later);
  watch_.Take(100, later);
  EXPECT_EQ(watch_.Due(), later + milliseconds(60'000));
}

TEST_F(DriftWatchTest, BeyondTwoPercentIsLookedAtAgainBeforeItCounts) {
  EXPECT_EQ(Take(101.9), CanaryVerdict::kGood);
  EXPECT_EQ(Take(103), CanaryVerdict::kAgain);
  EXPECT_LE(watch_.Due(), now_) << "at once";
  EXPECT_EQ(Take(101), CanaryVerdict::kGood) << "by chance";
  EXPECT_EQ(watch_.drift(), 1.01);
  EXPECT_EQ(Take(104), CanaryVerdict::kAgain);
  EXPECT_EQ(Take(103), CanaryVerdict::kDrifted) << "it stands";
  EXPECT_EQ(watch_.drift(), 1.03) << "a disturbed canary is only ever slower";
  EXPECT_FALSE(watch_.cooling());
}

TEST_F(DriftWatchTest, BeyondTenPercentCoolsUntilItIsBack) {
  Take(120);
  EXPECT_EQ(Take(115), CanaryVerdict::kCooling);
  EXPECT_TRUE(watch_.cooling());
  EXPECT_EQ(watch_.Due(), now_ + milliseconds(10'000));
  EXPECT_EQ(Take(111), CanaryVerdict::kCooling);
  EXPECT_EQ(Take(109), CanaryVerdict::kDrifted);
  EXPECT_FALSE(watch_.cooling());
  Take(120);
  EXPECT_EQ(Take(120), CanaryVerdict::kCooling);
  EXPECT_EQ(Take(100), CanaryVerdict::kGood);
  EXPECT_FALSE(watch_.cooling());
}

TEST_F(DriftWatchTest, AMissedCanaryIsTriedAgainSoon) {
  watch_.Missed(now_);
  EXPECT_EQ(watch_.Due(), now_ + milliseconds(10'000));
  Take(100);
  EXPECT_EQ(watch_.Due(), now_ + milliseconds(60'000));
}

TEST_F(DriftWatchTest, ABoardFoundFasterTwiceWasSlowWhenItJoined) {
  EXPECT_EQ(Take(90), CanaryVerdict::kAgain);
  EXPECT_EQ(Take(99), CanaryVerdict::kGood);
  EXPECT_EQ(watch_.baseline(), 100) << "once is chance";
  Take(90);
  EXPECT_EQ(Take(91), CanaryVerdict::kGood);
  EXPECT_EQ(watch_.baseline(), 90);
}

// The figures of drift_watch.h: samples with noise of 2 %, each canary the fastest of twenty.
class Noisy {
 public:
  explicit Noisy(unsigned seed) : random_(seed) {}
  double Canary(double slowdown) {
    std::vector<double> samples(20);
    for (double& s : samples) s = slowdown * noise_(random_);
    return *std::min_element(samples.begin(), samples.end());
  }

 private:
  std::mt19937 random_;
  std::normal_distribution<double> noise_{1.0, 0.02};
};

TEST(DriftNoise, TwoPercentOfNoiseNeverTripsTheTenPercentRule) {
  Noisy board(1);
  int cooled = 0, drifted = 0;
  for (int i = 0; i < 1'000; ++i) {
    DriftWatch watch;
    Look(watch, [&] { return board.Canary(1); });
    for (int run = 0; run < 10; ++run) {
      const CanaryVerdict verdict = Look(watch, [&] { return board.Canary(1); });
      cooled += verdict == CanaryVerdict::kCooling ? 1 : 0;
      drifted += verdict == CanaryVerdict::kDrifted ? 1 : 0;
    }
  }
  EXPECT_EQ(cooled, 0) << "in 10,000 looks";
  EXPECT_LT(drifted, 300) << "1 of 100 is expected";
}

TEST(DriftNoise, FifteenPercentOfDriftIsSeenEveryTime) {
  Noisy board(2);
  int seen = 0, cooled = 0;
  for (int i = 0; i < 10'000; ++i) {
    DriftWatch watch;
    Look(watch, [&] { return board.Canary(1); });
    const CanaryVerdict verdict = Look(watch, [&] { return board.Canary(1.15); });
    seen += verdict != CanaryVerdict::kGood ? 1 : 0;
    cooled += verdict == CanaryVerdict::kCooling ? 1 : 0;
  }
  EXPECT_EQ(seen, 10'000);
  EXPECT_GT(cooled, 9'950);
}

}  // namespace
}  // namespace halyard
