#include "rpc_farm/agent/artifact_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "rpc_farm/sha256.h"
#include "rpc_farm/temporary_folder.h"

namespace halyard {
namespace {

class ArtifactCacheTest : public testing::Test {
 protected:
  explicit ArtifactCacheTest(int64_t most = 1000) { Open(most); }
  void Open(int64_t most) {
    cache_.reset();
    auto cache = ArtifactCache::Open(Folder(), most);
    ASSERT_TRUE(cache.ok()) << cache.status();
    cache_ = *std::move(cache);
  }
  std::string Folder() const { return folder_.path() + "/cache"; }
  absl::StatusOr<ArtifactCache::Pin> Get(const std::string& bytes) {
    return cache_->Get(Sha256Hex(bytes), bytes.size(), [&]() -> absl::StatusOr<std::string> {
      ++fetches_;
      return bytes;
    });
  }
  bool Has(const std::string& bytes) const {
    return std::filesystem::exists(Folder() + "/" + Sha256Hex(bytes));
  }
  size_t Files() const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(Folder())) {
      count += entry.path().filename() != "lock";
    }
    return count;
  }

  const TemporaryFolder folder_;
  std::unique_ptr<ArtifactCache> cache_;
  std::atomic<int> fetches_{0};
};

TEST_F(ArtifactCacheTest, FetchesOnceAndKeepsItBetweenItsLives) {
  const std::string bytes(300, 'a');
  for (int i = 0; i < 3; ++i) {
    const auto pin = Get(bytes);
    ASSERT_TRUE(pin.ok()) << pin.status();
    EXPECT_EQ(std::filesystem::file_size(**pin), 300u);
  }
  Open(1000);
  EXPECT_EQ(cache_->bytes(), 300);
  ASSERT_TRUE(Get(bytes).ok());
  EXPECT_EQ(fetches_, 1);
}

TEST_F(ArtifactCacheTest, WhatIsShortLongOrOfAnotherDigestIsNotKept) {
  const std::string good(300, 'a');
  for (const std::string& sent :
       {std::string(299, 'a'), std::string(301, 'a'), std::string(), std::string(299, 'a') + "b"}) {
    const auto pin = cache_->Get(Sha256Hex(good), good.size(),
                                 [&]() -> absl::StatusOr<std::string> { return sent; });
    EXPECT_TRUE(absl::IsDataLoss(pin.status())) << pin.status();
    EXPECT_EQ(Files(), 0u);
  }
  const auto away = cache_->Get(Sha256Hex(good), good.size(), []() -> absl::StatusOr<std::string> {
    return absl::UnavailableError("gone");
  });
  EXPECT_EQ(away.status(), absl::UnavailableError("gone"));
  EXPECT_TRUE(Get(good).ok());
}

TEST_F(ArtifactCacheTest, WhatTheDiskDamagedIsFetchedAgain) {
  const std::string bytes(300, 'a');
  const std::string path = **Get(bytes);
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary) << "X";
  ASSERT_TRUE(Get(bytes).ok());
  EXPECT_EQ(fetches_, 2);
  std::filesystem::resize_file(path, 10);
  ASSERT_TRUE(Get(bytes).ok());
  std::filesystem::remove(path);
  ASSERT_TRUE(Get(bytes).ok());
  EXPECT_EQ(fetches_, 4);
  EXPECT_EQ(cache_->bytes(), 300);
}

TEST_F(ArtifactCacheTest, TheLongestUnusedGoesFirstAndNothingThatIsInUse) {
  const std::string a(400, 'a'), b(400, 'b'), c(400, 'c'), d(400, 'd');
  auto used = Get(a);
  ASSERT_TRUE(used.ok() && Get(b).ok());
  ASSERT_TRUE(Get(c).ok());
  EXPECT_TRUE(Has(a)) << "older, but in use";
  EXPECT_FALSE(Has(b));
  EXPECT_TRUE(Has(c));
  used = Get(c);  // lets a go
  ASSERT_TRUE(Get(d).ok());
  EXPECT_FALSE(Has(a));
  EXPECT_TRUE(Has(c));
  EXPECT_EQ(cache_->bytes(), 800);
}

TEST_F(ArtifactCacheTest, TwoWhoWantTheSameFetchItOnce) {
  const std::string bytes(300, 'a');
  std::atomic<int> fetches{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto pin =
          cache_->Get(Sha256Hex(bytes), bytes.size(), [&]() -> absl::StatusOr<std::string> {
            ++fetches;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            return bytes;
          });
      EXPECT_TRUE(pin.ok()) << pin.status();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(fetches, 1);
}

TEST_F(ArtifactCacheTest, WhoWaitsForAFetchThatFailsTriesForItself) {
  const std::string bytes(300, 'a');
  std::atomic<int> fetches{0};
  const auto fetch = [&]() -> absl::StatusOr<std::string> {
    const bool first = ++fetches == 1;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (first) return absl::UnavailableError("gone");
    return bytes;
  };
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back(
        [&] { good += cache_->Get(Sha256Hex(bytes), bytes.size(), fetch).ok() ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 3);
  EXPECT_EQ(fetches, 2);
}

TEST_F(ArtifactCacheTest, WhatAKilledAgentLeftHalfWrittenIsClearedAway) {
  std::ofstream(Folder() + "/" + std::string(64, 'a') + ".1.part") << "half";
  Open(1000);
  EXPECT_EQ(Files(), 0u);
}

TEST_F(ArtifactCacheTest, AFolderIsOneAgentsAtATime) {
  const auto second = ArtifactCache::Open(Folder(), 1000);
  EXPECT_TRUE(absl::IsFailedPrecondition(second.status()));
  EXPECT_NE(second.status().message().find("another agent"), std::string::npos);
  const auto nowhere = ArtifactCache::Open("/proc/none/cache", 1000);
  EXPECT_NE(nowhere.status().message().find("--cache"), std::string::npos) << nowhere.status();
}

}  // namespace
}  // namespace halyard
