#include "tuner/report/report_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/unit/tuner/report/logged.h"
#include "tests/unit/tuner/report/test_library.h"

namespace halyard {
namespace {

using testing::HasSubstr;

class Text : public testing::Test {
 protected:
  Text() {
    setenv("TZ", "UTC", 1);
    tzset();
  }
  std::vector<Record> Nights() const {
    std::vector<Record> records = {logged_.Ok(logged_.safe(), 2000, kEveningMs),
                                   logged_.Ok(logged_.other(1), 1600, kEveningMs + 20 * kHourMs),
                                   logged_.Failed(Outcome::kCrash, "", kEveningMs + 20 * kHourMs)};
    for (Record& r : records) r.environment = "61.5 C";
    return records;
  }
  const LoggedTask logged_;
};

TEST_F(Text, TellsTheEssentials) {
  const std::string text = ReportText(ReportOf(Nights()));
  EXPECT_THAT(text, HasSubstr("Report of night.db, 2023-11-15 22:13\n"));
  EXPECT_THAT(text, HasSubstr("2 trials of 1 task, 50.0 % ok"));
  EXPECT_THAT(text, HasSubstr("task better than before it, 0 new"));
  EXPECT_THAT(text, HasSubstr("1.25x over the safe schedules"));
  EXPECT_THAT(text, HasSubstr("    softmax 64x300"));
  EXPECT_THAT(text, HasSubstr(" 1.25  20.0      3\n"));
  EXPECT_THAT(text, HasSubstr("pi-1"));
  EXPECT_THAT(text, HasSubstr("61.5"));
  EXPECT_THAT(text, HasSubstr("crash 1"));
}

TEST_F(Text, FitsATerminalAndObeysNoName) {
  std::vector<Record> records = Nights();
  records[0].board = "a board of a very long name \x1b[31m and more";
  for (int i = 0; i < 60; ++i) {
    Record other = records[0];
    other.workload = "gemm:" + std::to_string(i + 1) + "x100000x100000,packed=1:f32";
    other.time_unix_ms = kEveningMs + 20 * kHourMs;
    records.push_back(other);
  }
  const std::string text = ReportText(ReportOf(records));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_THAT(text, HasSubstr("  and 21 more\n"));
}

TEST_F(Text, ALibraryIsSetBesideTheOneBefore) {
  Report report = ReportOf(Nights());
  const ShippedLibrary now = LibraryOf({{"softmax:64x300:f32", 90}});
  ShippedLibrary before = LibraryOf({{"softmax:64x300:f32", 100}, {"gemm:8x8x8:f32", 10}});
  before.folder = "before";
  report.library = CompareLibraries(now, before);
  const std::string text = ReportText(report);
  EXPECT_THAT(text, HasSubstr("library out/rpi4 against before"));
  EXPECT_THAT(text, HasSubstr("-10.0 % time"));
  EXPECT_THAT(text, HasSubstr("GONE"));
}

}  // namespace
}  // namespace halyard
