#include "tuner/report/library_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/logs/test_log.h"

namespace halyard {
namespace {

using testing::HasSubstr;

LibraryManifest Library(std::vector<std::pair<std::string, double>> variants) {
  LibraryManifest m{"out/rpi4", "tuned_rpi4", "rpi4", "abc", "ns", "physical", "12", {}};
  for (const auto& [workload, value] : variants) {
    m.variants.push_back({workload, "tile=4", value, "ns", "pi-1", "physical", 3});
  }
  return m;
}

TEST(CompareLibraries, RowsAreOfEitherLibrary) {
  const LibraryTable table =
      CompareLibraries(Library({{"a", 90}, {"new", 5}}), Library({{"a", 100}, {"gone", 7}}));
  ASSERT_EQ(table.rows.size(), 3u);
  EXPECT_EQ(table.not_compared, "");
  EXPECT_NEAR(*table.rows[0].change(), -0.1, 1e-12);
  EXPECT_EQ(table.rows[1].workload, "gone");
  EXPECT_FALSE(table.rows[1].now.has_value());
  EXPECT_EQ(table.rows[1].change(), std::nullopt);
  EXPECT_FALSE(table.rows[2].before.has_value());
}

TEST(CompareLibraries, TimesOfOtherDevicesOrUnitsAreNotCompared) {
  LibraryManifest other_device = Library({{"a", 100}});
  other_device.device = "rpi5";
  EXPECT_EQ(CompareLibraries(Library({{"a", 90}}), other_device).not_compared,
            "one library is of rpi5, the other of rpi4");
  LibraryManifest virtual_board = Library({{"a", 100}});
  virtual_board.unit = virtual_board.variants[0].unit = "virtual_cycles";
  const LibraryTable table = CompareLibraries(Library({{"a", 90}}), virtual_board);
  EXPECT_THAT(table.not_compared, HasSubstr("virtual_cycles"));
  EXPECT_EQ(table.rows[0].change(), std::nullopt);
}

class Manifest : public testing::Test {
 protected:
  absl::StatusOr<LibraryManifest> Read(const std::string& text) {
    WriteAll(folder_.File("manifest.json"), text);
    return ReadManifest(folder_.File(""), "--library");
  }
  TempFolder folder_;
};

constexpr char kManifest[] =
    R"({"format":1,"name":"tuned_rpi4","commit":"abc","device":{"id":"rpi4"},"unit":"ns",)"
    R"("board_kind":"physical","library_sha256":"12","variants":[{"workload":"gemm:8x8x8:f32",)"
    R"("config":"tile=4","record":{"id":3,"value":90.5,"unit":"ns","board":"pi-1",)"
    R"("board_kind":"physical"}}]})";

TEST_F(Manifest, IsReadAsPackageWritesIt) {
  const auto manifest = Read(kManifest);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->device, "rpi4");
  ASSERT_EQ(manifest->variants.size(), 1u);
  EXPECT_EQ(manifest->variants[0].value, 90.5);
  EXPECT_EQ(manifest->variants[0].record, 3);
}

TEST_F(Manifest, WhatIsWrongIsNamed) {
  const auto told = [](const absl::StatusOr<LibraryManifest>& m) {
    EXPECT_EQ(m.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(m.status().message());
  };
  EXPECT_THAT(told(ReadManifest("no-such", "--against")),
              HasSubstr("--against 'no-such': manifest.json is not there"));
  EXPECT_THAT(told(Read("{")), HasSubstr("manifest.json cannot be read"));
  EXPECT_THAT(told(Read(R"({"format":3})")),
              HasSubstr("is of format 3, this program reads 1 and 2"));
  EXPECT_THAT(told(Read(R"({"format":1,"variants":[]})")), HasSubstr("'name' not found"));
}

}  // namespace
}  // namespace halyard
