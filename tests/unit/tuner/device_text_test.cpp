// Devices for people: what fits the screen, and a roofline whose figures follow from the file's.

#include "tuner/device_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_split.h"

namespace halyard {
namespace {

using testing::HasSubstr;

std::vector<Device> Listed() {
  std::vector<Device> devices;
  for (const std::string& id : DeviceIds()) devices.push_back(LoadDevice(id).value());
  devices.push_back(devices.back());
  devices.back().id = "a-name-that-nobody-would-type-twice";
  devices.back().board = *ParseBoardAddress("ssh:somebody@a-board.example:2222");
  devices.back().cpu = std::string(60, 'c');
  devices.back().description = std::string(200, 'd');
  return devices;
}

TEST(DeviceListText, FitsTheScreenOrIsWhole) {
  const std::vector<Device> devices = Listed();
  const std::vector<std::string> lines = absl::StrSplit(DeviceListText(devices, 80), '\n');
  ASSERT_EQ(lines.size(), devices.size() + 2);
  for (const std::string& line : lines) EXPECT_LE(line.size(), 80u) << line;
  for (size_t i = 0; i + 1 < devices.size(); i++) {
    EXPECT_EQ(lines[i + 1].rfind(devices[i].id, 0), 0u) << lines[i + 1];
  }
  const std::string whole = DeviceListText(devices, 0);
  for (const Device& d : devices) {
    EXPECT_THAT(whole, HasSubstr(d.description));
    EXPECT_THAT(whole, HasSubstr(d.board.ToText()));
  }
}

TEST(DeviceListJson, HasNoPeakWhereItIsMeasured) {
  const nlohmann::json list =
      DeviceListJson({LoadDevice("host").value(), LoadDevice("rpi4").value()});
  EXPECT_TRUE(list[0]["peak_gflops"].is_null());
  EXPECT_EQ(list[1]["peak_gflops"], 48);
  EXPECT_EQ(list[1]["board"], "virtual");
}

TEST(DeviceText, HasTheRooflineAndTheSources) {
  const Device rpi4 = LoadDevice("rpi4").value();
  const Peak peak = StatedPeak(rpi4).value();
  EXPECT_EQ(peak.gflops, 48);
  EXPECT_EQ(Attainable(peak, 1), 4);
  EXPECT_EQ(Attainable(peak, 12), 48);
  EXPECT_EQ(Attainable(peak, 100), 48);
  const std::string text = DeviceText(rpi4, peak, {"clock: a " + std::string(200, 'x') + " b"});
  EXPECT_THAT(text, HasSubstr("peak 48 GFLOP/s, copies 4 GB/s; balance 12 FLOP a byte"));
  EXPECT_THAT(text, HasSubstr("L1D 32 KiB each core, L2 1 MiB of 4 cores"));
  EXPECT_THAT(text, HasSubstr("- clock: a\n"));
  EXPECT_THAT(DeviceText(rpi4, std::nullopt, {}), HasSubstr("roofline     not known"));
}

}  // namespace
}  // namespace halyard
