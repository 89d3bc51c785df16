#include "tuner/suite/night.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/unit/logs/test_log.h"

namespace halyard {
namespace {

class NightTest : public testing::Test {
 protected:
  absl::StatusOr<Night> Begin(const std::string& suite = "a") {
    NightState fresh;
    fresh.suite_sha256 = suite;
    fresh.begun_unix_ms = ++now_;
    fresh.deadline_unix_ms = 1000;
    return Night::Begin(path_, fresh);
  }

  const TempFolder folder_;
  const std::string path_ = folder_.File("log.db.suite.night");
  int64_t now_ = 0;
};

TEST_F(NightTest, WhatWasUsedAddsUpOverKills) {
  {
    auto night = Begin();
    ASSERT_TRUE(night.ok()) << night.status();
    EXPECT_FALSE(night->resumed());
    ASSERT_TRUE(night->Use(10, 3).ok());
    ASSERT_TRUE(night->Use(20, 5).ok());
    ASSERT_TRUE(night->Ship("rpi4").ok());
  }
  for (int run = 1; run <= 2; run++) {
    auto night = Begin();
    ASSERT_TRUE(night->resumed());
    EXPECT_EQ(night->state().begun_unix_ms, 1) << "the same night";
    EXPECT_EQ(night->state().shipped.count("rpi4"), 1u);
    ASSERT_TRUE(night->Use(2, 1).ok());
    EXPECT_EQ(night->state().seconds, 20 + 2 * run);
    EXPECT_EQ(night->state().board_seconds, 5 + run);
  }
  ASSERT_TRUE(Begin()->End().ok());
  EXPECT_FALSE(Begin()->resumed());
}

TEST_F(NightTest, AnotherSuiteIsAnotherNight) {
  ASSERT_TRUE(Begin()->Use(10, 3).ok());
  const auto other = Begin("b");
  ASSERT_TRUE(other.ok());
  EXPECT_FALSE(other->resumed());
  EXPECT_EQ(other->state().seconds, 0);
}

TEST_F(NightTest, OneWhoseDeadlineHasPassedIsOver) {
  ASSERT_TRUE(Begin()->Use(10, 3).ok());
  now_ = 999;
  const auto next = Begin();
  ASSERT_TRUE(next.ok());
  EXPECT_FALSE(next->resumed());
  EXPECT_EQ(next->state().begun_unix_ms, 1000);
}

TEST_F(NightTest, WhatCannotBeReadOrWrittenIsNamed) {
  WriteAll(path_, "{\"seconds\": ");
  EXPECT_THAT(std::string(Begin().status().message()), testing::HasSubstr(path_));
  EXPECT_TRUE(absl::IsInvalidArgument(Begin().status()));
  std::filesystem::remove(path_);
  NightState fresh;
  const auto nowhere = Night::Begin("/proc/none/night", fresh);
  EXPECT_TRUE(absl::IsUnavailable(nowhere.status())) << nowhere.status();
}

}  // namespace
}  // namespace halyard
