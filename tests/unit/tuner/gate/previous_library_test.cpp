#include "tuner/gate/previous_library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tuner/library/shipped_folder.h"

namespace halyard {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class PreviousLibraryTest : public testing::Test {
 protected:
  absl::StatusOr<ShippedLibrary> Read() {
    folder_.Write("manifest.json", manifest_.dump());
    return ReadPreviousLibrary(folder_.path().string(), LoadDevice("rpi4").value());
  }
  void ExpectRefused(const std::string& why) {
    const auto library = Read();
    ASSERT_TRUE(absl::IsInvalidArgument(library.status())) << why << library.status();
    EXPECT_THAT(std::string(library.status().message()),
                AllOf(HasSubstr(why), HasSubstr(folder_.path().string())));
  }

  const ShippedFolder folder_{"previous"};
  nlohmann::json manifest_ = ManifestOf("softmax:64x300:f32");
};

TEST_F(PreviousLibraryTest, OneOfTheSameBoardIsComparedWith) {
  const auto library = Read();
  ASSERT_TRUE(library.ok()) << library.status();
  EXPECT_EQ(library->variants.size(), 1u);
}

TEST_F(PreviousLibraryTest, OtherLibrariesAreRefusedInOneLine) {
  manifest_["device"]["id"] = "rpi5";
  ExpectRefused("is a library for rpi5; give one for rpi4");
  manifest_["device"]["id"] = "rpi4";
  manifest_["board_kind"] = "physical";
  manifest_["unit"] = "ns";
  ExpectRefused("was measured in ns of a physical board");
}

TEST_F(PreviousLibraryTest, WhatIsNoLibraryIsNone) {
  manifest_["format"] = 3;
  ExpectRefused("manifest.json is of format 3");
}

}  // namespace
}  // namespace halyard
