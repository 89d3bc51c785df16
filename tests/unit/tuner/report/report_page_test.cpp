#include "tuner/report/report_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tuner/report/logged.h"

namespace halyard {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Page : public testing::Test {
 protected:
  Report Small() const { return ReportOf({logged_.Ok(logged_.safe(), 1000, kEveningMs)}); }
  const LoggedTask logged_;
  TempFolder folder_;
};

TEST_F(Page, HasEveryPartAndNoMark) {
  Report report = Small();
  report.log = "a & <b>.db";
  const std::string page = ReportPage(report);
  EXPECT_THAT(page, HasSubstr("<title>Tuning report: a &amp; &lt;b&gt;.db</title>"));
  EXPECT_THAT(page, HasSubstr("softmax 64x300 on rpi4"));
  for (const char* part : {"var uPlot=", ".u-legend", "--outcome-ok", "function scatter("}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  for (const char* mark :
       {"<!--TITLE-->", "/*STYLE*/", "/*DATA*/", "/*CHART LIBRARY*/", "/*SCRIPT*/"}) {
    EXPECT_THAT(page, Not(HasSubstr(mark)));
  }
}

TEST_F(Page, ReplacesWhatWasThereAndLeavesNothingBeside) {
  const std::string path = folder_.File("report.html");
  WriteAll(path, "old");
  ASSERT_TRUE(WriteReport(Small(), path).ok());
  EXPECT_EQ(ReadAll(path), ReportPage(Small()));
  EXPECT_THAT(folder_.Names(), ElementsAre("report.html"));
}

TEST_F(Page, WhereNoFileCanBeMadeIsNamed) {
  for (const std::string& path :
       {folder_.File(""), folder_.File("no/such/report.html"), std::string()}) {
    const absl::Status status = WriteReport(Small(), path);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << path;
    EXPECT_THAT(std::string(status.message()), HasSubstr("-o '" + path + "': "));
  }
  EXPECT_THAT(folder_.Names(), ElementsAre());
}

TEST_F(Page, ADiskThatIsFullLeavesTheOldReport) {
  // Every write to it fails as on a full disk.
  const std::string path = folder_.File("report.html");
  WriteAll(path, "old");
  std::filesystem::create_symlink("/dev/full", path + ".new");
  EXPECT_EQ(WriteReport(Small(), path).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReadAll(path), "old");
}

}  // namespace
}  // namespace halyard
