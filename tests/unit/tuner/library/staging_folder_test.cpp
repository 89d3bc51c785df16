#include "tuner/library/staging_folder.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "rpc_farm/sha256.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;

class StagingFolderTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(mkdtemp(root_.data()), nullptr); }
  void TearDown() override { fs::remove_all(root_); }
  std::string root_ = (fs::temp_directory_path() / "halyard-staging-XXXXXX").string();
};

TEST_F(StagingFolderTest, PublishesWhatWasWrittenAndGoes) {
  const std::string out = root_ + "/a/b";
  {
    const auto staging = StagingFolder::Make(out, "lib");
    ASSERT_TRUE(staging.ok()) << staging.status();
    ASSERT_TRUE((*staging)->Write("deep/er/file", "text").ok());
    EXPECT_FALSE(fs::exists(out + "/deep/er/file"));
    ASSERT_TRUE((*staging)->Publish("deep/er/file").ok());
  }
  EXPECT_EQ(*ReadStagedFile(out + "/deep/er/file"), "text");
  EXPECT_EQ(std::distance(fs::directory_iterator(out), {}), 1);
}

TEST_F(StagingFolderTest, RemovesFoldersItMadeForNothing) {
  ASSERT_TRUE(StagingFolder::Make(root_ + "/a/b", "lib").ok());
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(StagingFolderTest, OneAtATimeForOneLibrary) {
  const auto first = StagingFolder::Make(root_, "lib");
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(StagingFolder::Make(root_, "lib").status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(StagingFolder::Make(root_, "other").ok());
}

TEST_F(StagingFolderTest, ClearsWhatAnEarlierProcessLeft) {
  fs::create_directories(root_ + "/.lib.partial/old");
  std::ofstream(root_ + "/.lib.partial/file") << "half";
  const auto staging = StagingFolder::Make(root_, "lib");
  ASSERT_TRUE(staging.ok()) << staging.status();
  EXPECT_TRUE(fs::is_empty((*staging)->PathOf("")));
}

TEST(Sha256Hex, AgreesWithFips180) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace halyard
