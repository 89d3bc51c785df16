// A manifest as it was written, and as somebody may have broken it.
#include "tuner/library/shipped_library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rpc_farm/sha256.h"
#include "tests/unit/tuner/library/shipped_folder.h"

namespace halyard {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

constexpr char kSoftmax[] = "softmax:64x300:f32";

class ShippedLibraryTest : public testing::Test {
 protected:
  absl::StatusOr<ShippedLibrary> Read() {
    folder_.Write("manifest.json", manifest_.dump());
    return ReadShippedLibrary(folder_.path().string());
  }
  void ExpectRefused(const std::string& why) {
    const auto library = Read();
    ASSERT_TRUE(absl::IsInvalidArgument(library.status())) << why << library.status();
    const std::string told(library.status().message());
    EXPECT_THAT(told, AllOf(HasSubstr(why), testing::StartsWith("'" + folder_.path().string())));
    EXPECT_EQ(told.find('\n'), std::string::npos);
  }

  const ShippedFolder folder_{"shipped"};
  json manifest_ = ManifestOf(kSoftmax);
};

TEST_F(ShippedLibraryTest, ARecordIsWhatTheManifestHasOfIt) {
  manifest_["files"] = {{"libtuned_rpi4.a", "12"}, {"lib/cmake/x.cmake", "34"}};
  const auto library = Read();
  ASSERT_TRUE(library.ok()) << library.status();
  EXPECT_EQ(library->manifest_sha256, Sha256Hex(manifest_.dump()));
  EXPECT_EQ(library->compiler, "Halide 14");
  EXPECT_EQ(library->files.at("lib/cmake/x.cmake"), "34");
  ASSERT_EQ(library->variants.size(), 1u);
  const ShippedVariant& v = library->variants[0];
  EXPECT_EQ(v.record.value(), 125.5);
  EXPECT_EQ(v.record_samples, 3);
  EXPECT_EQ(v.record.outcome, Outcome::kOk);
  EXPECT_EQ(v.record.device, "rpi4");
  EXPECT_EQ(v.record.board_kind, BoardKind::kVirtual);
  EXPECT_EQ(v.record.artifact_sha256, "cd");
  EXPECT_EQ(v.object_sha256, "ab");
}

TEST_F(ShippedLibraryTest, TheFirstFormatHasTwoDigests) {
  manifest_["format"] = 1;
  manifest_.erase("files");
  ExpectRefused("'library_sha256' not found");
  manifest_["library_sha256"] = "12";
  manifest_["header_sha256"] = "34";
  const auto library = Read();
  ASSERT_TRUE(library.ok()) << library.status();
  EXPECT_EQ(library->variants.size(), 1u);
  EXPECT_EQ(library->files, (std::map<std::string, std::string>{{"libtuned_rpi4.a", "12"},
                                                                {"tuned_rpi4.h", "34"}}));
}

TEST_F(ShippedLibraryTest, AFormatOfAnotherProgramIsRefused) {
  manifest_["format"] = 3;
  ExpectRefused("manifest.json is of format 3, this program reads 1 to 2");
  manifest_["format"] = 0;
  ExpectRefused("manifest.json is of format 0, this program reads 1 to 2");
}

TEST_F(ShippedLibraryTest, WhatIsNoManifestIsRefused) {
  manifest_["variants"].push_back(ManifestVariant(kSoftmax));
  ExpectRefused("names softmax:64x300:f32 twice");
  manifest_ = ManifestOf(kSoftmax);
  manifest_["variants"][0]["record"]["value"] = 0;
  ExpectRefused("has no time of softmax:64x300:f32");
  manifest_["variants"][0]["record"]["value"] = "fast";
  ExpectRefused("is no manifest of a library");
  manifest_ = ManifestOf(kSoftmax);
  manifest_["board_kind"] = "imagined";
  ExpectRefused("no kind of board: \"imagined\"");
  manifest_["board_kind"] = 7;
  ExpectRefused("is no manifest of a library");
  manifest_ = json::array();
  ExpectRefused("is no manifest of a library");
}

TEST_F(ShippedLibraryTest, NoFileIsOutsideTheFolder) {
  for (const std::string file : {"../x", "/etc/passwd", "lib/../../x", "./x", "..", ""}) {
    manifest_["files"] = {{file, std::string(64, '0')}};
    ExpectRefused("names '" + file + "', which is no file of the folder");
  }
}

TEST_F(ShippedLibraryTest, NoFolderAndNoManifestAreTold) {
  const auto none = ReadShippedLibrary((folder_.path() / "none").string());
  EXPECT_TRUE(absl::IsNotFound(none.status()));
  EXPECT_THAT(std::string(none.status().message()), HasSubstr("there is no such folder"));
  const auto empty = ReadShippedLibrary(folder_.path().string());
  EXPECT_TRUE(absl::IsNotFound(empty.status()));
  EXPECT_THAT(std::string(empty.status().message()), HasSubstr("has no manifest.json"));
}

}  // namespace
}  // namespace halyard
