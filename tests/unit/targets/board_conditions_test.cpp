#include "targets/board_conditions.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "targets/board_facts.h"

namespace halyard {
namespace {

// A /sys of a board that is not here.
class BoardConditionsTest : public testing::Test {
 protected:
  BoardConditionsTest() { std::filesystem::create_directories(root_); }
  ~BoardConditionsTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) const {
    const std::filesystem::path at = root_ + "/" + path;
    std::filesystem::create_directories(at.parent_path());
    std::ofstream(at) << text << "\n";
  }
  BoardConditions Read() const { return ReadBoardConditions(root_); }
  std::string WhyUnstableAfter(const std::string& path, const std::string& text) const {
    const BoardConditions before = Read();
    Write(path, text);
    return WhyUnstable(before, Read());
  }

  void MakePi() const {
    Write("devices/system/cpu/cpufreq/policy0/scaling_governor", "ondemand");
    Write("devices/system/cpu/cpufreq/policy0/scaling_cur_freq", "1500000");
    Write("class/thermal/thermal_zone0/temp", "61238");
    Write("class/thermal/cooling_device0/type", "cpufreq-cpu0");
    Write("class/thermal/cooling_device0/cur_state", "0");
    Write("devices/platform/soc/soc:firmware/get_throttled", "0");
  }

  const std::string root_ = testing::TempDir() + "/board_conditions";
};

TEST_F(BoardConditionsTest, APi) {
  MakePi();
  EXPECT_EQ(ConditionsText(Read()), "governor ondemand, 1500 MHz, 61.2 C, not throttled");
  EXPECT_EQ(WhyUnstable(Read(), Read()), "");
}

TEST_F(BoardConditionsTest, APiWhoseClockFell) {
  MakePi();
  EXPECT_EQ(WhyUnstableAfter("devices/system/cpu/cpufreq/policy0/scaling_cur_freq", "1000000"),
            "the clock moved from 1500 to 1000 MHz while it was timed");
}

TEST_F(BoardConditionsTest, APiWithAWeakPowerSupply) {
  MakePi();
  const std::string path = "devices/platform/soc/soc:firmware/get_throttled";
  EXPECT_EQ(WhyUnstableAfter(path, "50005"),
            "the board's voltage fell too low while it was timed: give it a stronger power supply");
  EXPECT_NE(ConditionsText(Read()).find("under-voltage"), std::string::npos);
  // What has been so all along changes no times; what was and is over neither.
  EXPECT_EQ(WhyUnstableAfter(path, "50005"), "");
  EXPECT_EQ(WhyUnstableAfter(path, "50000"), "");
  EXPECT_NE(ConditionsText(Read()).find("throttled since boot"), std::string::npos);
  // Seen by the bit that stays, though it was over before the second reading.
  Write(path, "0");
  EXPECT_EQ(WhyUnstableAfter(path, "40000"), "the board began to throttle while it was timed");
}

TEST_F(BoardConditionsTest, AJetson) {
  for (const char* policy : {"policy0", "policy4"}) {
    const std::string folder = std::string("devices/system/cpu/cpufreq/") + policy;
    Write(folder + "/scaling_governor", "schedutil");
    Write(folder + "/scaling_cur_freq", policy == std::string("policy4") ? "1510400" : "729600");
  }
  Write("class/thermal/thermal_zone0/temp", "48500");
  Write("class/thermal/thermal_zone1/temp", "-256000");  // a zone that is switched off
  Write("class/hwmon/hwmon3/name", "ina3221");
  Write("class/hwmon/hwmon3/in1_label", "VDD_IN");
  Write("class/hwmon/hwmon3/in1_input", "5080");
  Write("class/hwmon/hwmon3/curr1_input", "1200");
  Write("class/hwmon/hwmon3/in2_label", "VDD_CPU_GPU_CV");
  Write("class/hwmon/hwmon3/in2_input", "5072");
  Write("class/hwmon/hwmon3/curr2_input", "400");
  EXPECT_EQ(ConditionsText(Read()), "governor schedutil, 1510 MHz, 48.5 C, 6.1 W");
  // The idle cluster may do what it likes.
  EXPECT_EQ(WhyUnstableAfter("devices/system/cpu/cpufreq/policy0/scaling_cur_freq", "115200"), "");
  EXPECT_NE(WhyUnstableAfter("devices/system/cpu/cpufreq/policy4/scaling_cur_freq", "1190400"), "");
}

TEST_F(BoardConditionsTest, AnAndroidPhone) {
  Write("devices/system/cpu/cpufreq/policy0/scaling_governor", "walt");
  Write("devices/system/cpu/cpufreq/policy0/scaling_cur_freq", "2841600");
  Write("class/thermal/thermal_zone12/temp", "39000");
  Write("class/thermal/cooling_device0/type", "thermal-cpufreq-0");
  Write("class/thermal/cooling_device0/cur_state", "0");
  Write("class/thermal/cooling_device1/type", "display-fps");
  Write("class/thermal/cooling_device1/cur_state", "3");
  BoardConditions before = Read(), after = before;
  EXPECT_EQ(ConditionsText(before), "governor walt, 2842 MHz, 39.0 C, not throttled");
  before.thermal_status = 0;
  after.thermal_status = 2;
  EXPECT_EQ(WhyUnstable(before, after), "the board began to throttle while it was timed");
  EXPECT_NE(ConditionsText(after).find("thermal status 2"), std::string::npos);
  EXPECT_EQ(WhyUnstableAfter("class/thermal/cooling_device0/cur_state", "2"),
            "the board began to throttle while it was timed");
  // Turbo clocks jitter.
  EXPECT_EQ(WhyUnstableAfter("devices/system/cpu/cpufreq/policy0/scaling_cur_freq", "2745600"), "");
}

TEST_F(BoardConditionsTest, AMachineThatTellsNothing) {
  EXPECT_EQ(ConditionsText(Read()), "");
  EXPECT_EQ(WhyUnstable(Read(), Read()), "");
  EXPECT_EQ(nlohmann::json(Read()).dump(), "{}");
  EXPECT_EQ(ConditionsText(ReadBoardConditions("/nonexistent")), "");
}

TEST_F(BoardConditionsTest, AnX86ThatThrottles) {
  Write("devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "7");
  Write("devices/system/cpu/cpu1/thermal_throttle/core_throttle_count", "2");
  EXPECT_EQ(Read().throttle_events, 9);
  EXPECT_EQ(WhyUnstableAfter("devices/system/cpu/cpu1/thermal_throttle/core_throttle_count", "3"),
            "the board began to throttle while it was timed");
}

TEST_F(BoardConditionsTest, FilesOfGarbageAreAsIfNotThere) {
  Write("devices/system/cpu/cpufreq/policy0/scaling_cur_freq", "<unknown>");
  Write("class/thermal/thermal_zone0/temp", "");
  std::filesystem::create_directories(root_ + "/class/thermal/thermal_zone1/temp");
  EXPECT_EQ(ConditionsText(Read()), "");
}

TEST_F(BoardConditionsTest, JsonRoundTrips) {
  MakePi();
  BoardFacts facts = ReadBoardFacts(root_, ".");
  facts.conditions.thermal_status = 1;
  const nlohmann::json json = facts;
  EXPECT_EQ(nlohmann::json(json.get<BoardFacts>()), json);
  EXPECT_THROW(nlohmann::json({{"clock_mhz", "fast"}}).get<BoardConditions>(),
               nlohmann::json::exception);
}

}  // namespace
}  // namespace halyard
