#include "tuner/report/report_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/tuner/report/logged.h"

namespace halyard {
namespace {

using nlohmann::json;

class ReportJsonTest : public testing::Test {
 protected:
  json Trials(std::vector<Record> records) {
    const json report = json::parse(ReportJson(ReportOf(std::move(records))));
    return report.at("tasks").at(0).at("trials");
  }
  const LoggedTask logged_;
};

TEST_F(ReportJsonTest, ColumnsHoldEveryTrial) {
  std::vector<Record> records = {logged_.Ok(logged_.safe(), 123456.789, kEveningMs),
                                 logged_.Failed(Outcome::kCrash, "signal 11", kEveningMs + 5000),
                                 logged_.Ok(logged_.other(1), 100, kEveningMs + 6000)};
  records[2].samples = {100, 104, 102};
  records[2].predicted_score = 0.75;
  records[2].phase = "final";
  const json trials = Trials(records);
  EXPECT_EQ(trials["id"], json({1, 1, 1}));
  EXPECT_EQ(trials["time"], json({kEveningMs / 1000, 5, 1}));
  EXPECT_EQ(trials["value"], json::parse("[1.2346e+05,0,102]"));
  EXPECT_EQ(trials["outcome"], json({0, 5, 0}));
  EXPECT_EQ(trials["mark"], json({0, 0, 1}));
  EXPECT_EQ(trials["board"], json({0, 0, 0}));
  EXPECT_EQ(trials["samples"], json({1, 0, 3}));
  EXPECT_EQ(trials["spread"], json::parse("[0,0,4]"));
  EXPECT_EQ(trials["score"], json::parse("[null,null,0.75]"));
  EXPECT_EQ(trials["message"], json({-1, 0, -1}));
  EXPECT_EQ(trials["messages"], json::parse(R"([[5,1,"signal 11"]])"));
}

TEST_F(ReportJsonTest, ConfigsComeApartAndTogetherAgain) {
  const std::vector<std::string> configs = {logged_.safe(), logged_.other(1), logged_.other(2)};
  std::vector<Record> records;
  for (const std::string& config : configs) records.push_back(logged_.Ok(config, 1, kEveningMs));
  const json trials = Trials(records);
  for (size_t row = 0; row < configs.size(); ++row) {
    std::string config;
    for (size_t k = 0; k < trials["knobs"].size(); ++k) {
      const int place = trials["knobs"][k][row];
      ASSERT_GE(place, 0);
      config += (k == 0 ? "" : " ") + trials["knobNames"][k].get<std::string>() + "=" +
                trials["knobValues"][k][static_cast<size_t>(place)].get<std::string>();
    }
    EXPECT_EQ(config, configs[row]);
  }
}

TEST_F(ReportJsonTest, ConfigsOfOtherSpacesAndFormsDoNotFail) {
  std::vector<Record> records = {logged_.Ok("vec=4 odd", 2, kEveningMs),
                                 logged_.Ok("", 1, kEveningMs)};
  const json trials = Trials(records);
  EXPECT_EQ(trials["knobNames"], json({"vec", "config"}));
  EXPECT_EQ(trials["knobs"], json::parse("[[0,-1],[0,-1]]"));
}

TEST_F(ReportJsonTest, FailuresThatDifferInNumbersAreOneAndWrongConfigsAreMarked) {
  const std::string config = logged_.other(1);
  std::vector<Record> records = {logged_.Ok(config, 5, kEveningMs),
                                 logged_.Failed(Outcome::kWrongResult, "element 7", kEveningMs),
                                 logged_.Failed(Outcome::kWrongResult, "element 91", kEveningMs),
                                 logged_.Ok(logged_.safe(), 9, kEveningMs)};
  records[1].config = config;
  const json trials = Trials(records);
  EXPECT_EQ(trials["messages"], json::parse(R"([[4,2,"element 7"]])"));
  EXPECT_EQ(trials["mark"], json({2, 0, 0, 0}));
}

TEST_F(ReportJsonTest, NoTextOfALogCanEndItsElement) {
  std::vector<Record> records = {
      logged_.Failed(Outcome::kCrash, "</script><!--<script>", kEveningMs)};
  records[0].board = "<b>";
  records[0].config = "vec=</script>";
  const std::string text = ReportJson(ReportOf(records));
  EXPECT_EQ(text.find('<'), std::string::npos);
  const json report = json::parse(text);
  EXPECT_EQ(report["boards"][0]["name"], "<b>");
  EXPECT_EQ(report["tasks"][0]["trials"]["messages"][0][2], "</script><!--<script>");
}

}  // namespace
}  // namespace halyard
