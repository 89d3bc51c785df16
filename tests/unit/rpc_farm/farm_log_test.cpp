#include "rpc_farm/farm_log.h"

#include <gtest/gtest.h>

#include <cstring>
#include <sstream>
#include <vector>

namespace halyard {
namespace {

TEST(FarmLog, ALineIsAJsonObjectWhateverIsInIt) {
  testing::internal::CaptureStderr();
  const FarmLog log("farm_agent");
  log.Info("run_done", {{"board", "rpi4-1"}, {"status", "ok"}, {"epoch", 7}});
  log.Warn("lost", {{"why", "bad \xff byte, {}, \"quotes\"\nand %v"}});
  log.Error("no_fields");
  std::istringstream lines(testing::internal::GetCapturedStderr());
  std::vector<nlohmann::json> objects;
  for (std::string line; std::getline(lines, line);) {
    objects.push_back(nlohmann::json::parse(line, nullptr, false));
    ASSERT_TRUE(objects.back().is_object()) << line;
  }
  ASSERT_EQ(objects.size(), 3u);
  EXPECT_EQ(objects[0]["program"], "farm_agent");
  EXPECT_EQ(objects[0]["level"], "info");
  EXPECT_EQ(objects[0]["event"], "run_done");
  EXPECT_EQ(objects[0]["board"], "rpi4-1");
  EXPECT_EQ(objects[0]["epoch"], 7);
  EXPECT_TRUE(objects[0]["pid"].is_number());
  EXPECT_EQ(objects[0]["time"].get<std::string>().size(), strlen("2026-11-22T00:31:05.123Z"));
  EXPECT_EQ(objects[1]["level"], "warning");
  EXPECT_NE(objects[1]["why"].get<std::string>().find("quotes\"\nand %v"), std::string::npos);
  EXPECT_EQ(objects[2]["level"], "error");
}

}  // namespace
}  // namespace halyard
