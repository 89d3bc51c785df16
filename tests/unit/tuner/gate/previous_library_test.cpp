// A manifest as it was written, and as somebody may have broken it.
#include "tuner/gate/previous_library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "rpc_farm/sha256.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

class PreviousLibraryTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("halyard-previous-" + std::to_string(getpid()));
    fs::create_directories(folder_);
    manifest_ = {{"format", 2},
                 {"device", {{"id", "rpi4"}}},
                 {"board_kind", "virtual"},
                 {"unit", "virtual_cycles"},
                 {"compiler", "Halide 14"},
                 {"variants", json::array({Variant("softmax:64x300:f32")})}};
  }
  void TearDown() override { fs::remove_all(folder_); }

  static json Variant(const std::string& workload) {
    return {{"workload", workload},
            {"config", "vec=4"},
            {"symbol", "tuned_rpi4_softmax_v0"},
            {"packed", false},
            {"object_sha256", "ab"},
            {"record",
             {{"id", 7},
              {"value", 125.5},
              {"unit", "virtual_cycles"},
              {"samples", 3},
              {"phase", "final"},
              {"checks", "probe:64"},
              {"board", "virtual-rpi4"},
              {"board_kind", "virtual"},
              {"environment", "qemu"},
              {"compiler", "Halide 14; arm-64-linux"},
              {"space_version", 5},
              {"protocol", 3},
              {"artifact_sha256", "cd"},
              {"seed", 1},
              {"time_unix_ms", 1700000000000}}}};
  }

  absl::StatusOr<PreviousLibrary> Read() {
    text_ = manifest_.dump();
    std::ofstream(folder_ / "manifest.json") << text_;
    return ReadPreviousLibrary(folder_.string(), device_);
  }
  void ExpectRefused(const std::string& why) {
    const auto library = Read();
    ASSERT_FALSE(library.ok()) << why;
    EXPECT_TRUE(absl::IsInvalidArgument(library.status()));
    EXPECT_THAT(std::string(library.status().message()),
                testing::AllOf(HasSubstr(why), HasSubstr(folder_.string())));
  }

  const Device device_ = LoadDevice("rpi4").value();
  fs::path folder_;
  json manifest_;
  std::string text_;
};

TEST_F(PreviousLibraryTest, ARecordIsWhatTheManifestHasOfIt) {
  const auto library = Read();
  ASSERT_TRUE(library.ok()) << library.status();
  EXPECT_EQ(library->manifest_sha256, Sha256Hex(text_));
  EXPECT_EQ(library->compiler, "Halide 14");
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

TEST_F(PreviousLibraryTest, OtherLibrariesAreRefusedInOneLine) {
  manifest_["format"] = 3;
  ExpectRefused("has a manifest of format 3; give a library whose manifest has format 2");
  manifest_["format"] = 2;
  manifest_["device"]["id"] = "rpi5";
  ExpectRefused("is a library for rpi5; give one for rpi4");
  manifest_["device"]["id"] = "rpi4";
  manifest_["board_kind"] = "physical";
  manifest_["unit"] = "ns";
  ExpectRefused("was measured in ns of a physical board");
}

TEST_F(PreviousLibraryTest, WhatIsNoManifestIsRefused) {
  manifest_["variants"].push_back(Variant("softmax:64x300:f32"));
  ExpectRefused("names softmax:64x300:f32 twice");
  manifest_["variants"] = json::array({Variant("softmax:64x300:f32")});
  manifest_["variants"][0]["record"]["value"] = 0;
  ExpectRefused("has no time of softmax:64x300:f32");
  manifest_["variants"][0]["record"]["value"] = "fast";
  ExpectRefused("is no manifest of a library");
  manifest_ = json::array();
  ExpectRefused("is no manifest of a library");
}

TEST_F(PreviousLibraryTest, NoFolderAndNoManifestAreTold) {
  const auto none = ReadPreviousLibrary((folder_ / "none").string(), device_);
  EXPECT_TRUE(absl::IsNotFound(none.status()));
  EXPECT_THAT(std::string(none.status().message()), HasSubstr("there is no such folder"));
  const auto empty = ReadPreviousLibrary(folder_.string(), device_);
  EXPECT_TRUE(absl::IsNotFound(empty.status()));
  EXPECT_THAT(std::string(empty.status().message()), HasSubstr("has no manifest.json"));
}

}  // namespace
}  // namespace halyard
