#include "tuner/report/library_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tuner/report/test_library.h"

namespace halyard {
namespace {

using testing::HasSubstr;

TEST(CompareLibraries, RowsAreOfEitherLibrary) {
  const LibraryTable table =
      CompareLibraries(LibraryOf({{"a", 90}, {"new", 5}}), LibraryOf({{"a", 100}, {"gone", 7}}));
  ASSERT_EQ(table.rows.size(), 3u);
  EXPECT_EQ(table.not_compared, "");
  EXPECT_NEAR(*table.rows[0].change(), -0.1, 1e-12);
  EXPECT_EQ(table.rows[1].workload, "gone");
  EXPECT_FALSE(table.rows[1].now.has_value());
  EXPECT_EQ(table.rows[1].change(), std::nullopt);
  EXPECT_FALSE(table.rows[2].before.has_value());
}

TEST(CompareLibraries, TimesOfOtherDevicesOrUnitsAreNotCompared) {
  ShippedLibrary other_device = LibraryOf({{"a", 100}});
  other_device.device = "rpi5";
  EXPECT_EQ(CompareLibraries(LibraryOf({{"a", 90}}), other_device).not_compared,
            "one library is of rpi5, the other of rpi4");
  ShippedLibrary virtual_board = LibraryOf({{"a", 100}});
  virtual_board.unit = virtual_board.variants[0].record.unit = "virtual_cycles";
  const LibraryTable table = CompareLibraries(LibraryOf({{"a", 90}}), virtual_board);
  EXPECT_THAT(table.not_compared, HasSubstr("virtual_cycles"));
  EXPECT_EQ(table.rows[0].change(), std::nullopt);
}

}  // namespace
}  // namespace halyard
