#include "rpc_farm/artifacts/artifact_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "rpc_farm/temporary_folder.h"
#include "targets/run_protocol.h"

namespace halyard {
namespace {

class ArtifactStoreTest : public testing::Test {
 protected:
  using Upload = std::unique_ptr<ArtifactStore::Upload>;

  Upload Begin(const std::string& bytes, uint64_t size) {
    auto upload = store_->Begin(Sha256Hex(bytes), size);
    EXPECT_TRUE(upload.ok()) << upload.status();
    return *std::move(upload);
  }
  Upload Begin(const std::string& bytes) { return Begin(bytes, bytes.size()); }
  void Add(const std::string& bytes) {
    const Upload upload = Begin(bytes);
    ASSERT_TRUE(upload->Append(bytes).ok());
    ASSERT_TRUE(upload->Finish().ok());
  }
  bool Has(const std::string& bytes) { return store_->Has(Sha256Hex(bytes)); }
  size_t Files() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder_.path()),
                                             std::filesystem::directory_iterator()));
  }

  const TemporaryFolder folder_;
  const std::unique_ptr<ArtifactStore> store_ = *ArtifactStore::Open(folder_.path(), 1000);
};

TEST_F(ArtifactStoreTest, WhatIsTooLargeIsRefusedBeforeAByteOfIt) {
  const auto most = static_cast<uint64_t>(kMostArtifactBytes);
  for (const uint64_t size : {most + 1, uint64_t{1} << 40, UINT64_MAX, uint64_t{1} << 63}) {
    const auto upload = store_->Begin(Sha256Hex("a"), size);
    EXPECT_TRUE(absl::IsResourceExhausted(upload.status())) << upload.status();
    EXPECT_EQ(Files(), 0u);
  }
  EXPECT_TRUE(store_->Begin(Sha256Hex("a"), most).ok());
  for (const char* digest : {"", "../x", "A"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(store_->Begin(digest, 1).status())) << digest;
  }
}

TEST_F(ArtifactStoreTest, WhatIsNotAsItWasSaidLeavesNothing) {
  const std::string bytes(300, 'a');
  EXPECT_TRUE(absl::IsInvalidArgument(Begin(bytes, 299)->Append(bytes)));
  EXPECT_TRUE(absl::IsInvalidArgument(Begin(bytes, 0)->Append("a")));
  const std::string chunk(kArtifactChunkBytes + 1, 'a');
  EXPECT_TRUE(absl::IsInvalidArgument(Begin(chunk)->Append(chunk)));
  {
    const Upload cut_off = Begin(bytes);
    EXPECT_TRUE(cut_off->Append(bytes.substr(1)).ok());
    EXPECT_TRUE(absl::IsDataLoss(cut_off->Finish()));
  }
  {
    const Upload other = Begin(bytes);
    EXPECT_TRUE(other->Append(std::string(300, 'b')).ok());
    EXPECT_TRUE(absl::IsDataLoss(other->Finish()));
  }
  EXPECT_FALSE(Has(bytes));
  EXPECT_EQ(Files(), 0u);
  EXPECT_EQ(store_->bytes(), 0);
}

// Else uploads that run beside each other are given the same room.
TEST_F(ArtifactStoreTest, RoomForWhatIsComingInIsMadeAndKept) {
  const std::string a(400, 'a'), b(400, 'b'), c(300, 'c'), d(300, 'd');
  Add(a);
  Add(b);
  Upload first = Begin(c);
  EXPECT_FALSE(Has(a)) << "the longest unused made room";
  EXPECT_TRUE(Has(b));
  {
    const Upload second = Begin(d);
    EXPECT_TRUE(Has(b)) << "300 come in, 300 more, and 400 are here";
    const Upload third = Begin("x");
    EXPECT_FALSE(Has(b));
  }
  Add(b);
  EXPECT_TRUE(Has(b)) << "what the two that ended had is free again";
  ASSERT_TRUE(first->Append(c).ok());
  ASSERT_TRUE(first->Finish().ok());
  EXPECT_EQ(store_->bytes(), 700);
  Add(d);
  EXPECT_EQ(store_->bytes(), 1000) << "what came in is not counted twice, its upload being there";
}

TEST_F(ArtifactStoreTest, TwoUploadsOfTheSameAreOneArtifact) {
  const std::string bytes(300, 'a');
  const Upload one = Begin(bytes), other = Begin(bytes);
  for (const Upload* upload : {&one, &other}) {
    ASSERT_TRUE((*upload)->Append(bytes).ok());
    EXPECT_TRUE((*upload)->Finish().ok());
  }
  EXPECT_EQ(store_->bytes(), 300);
  EXPECT_EQ(Files(), 1u);
}

}  // namespace
}  // namespace halyard
