#include "targets/device_snapshot.h"

#include <gtest/gtest.h>

namespace halyard {
namespace {

TEST(DeviceSnapshot, RoundTripsThroughText) {
  for (const std::string& id : DeviceIds()) {
    const Device device = LoadDevice(id).value();
    const std::string text = DeviceSnapshot(device).dump();
    const Device read = DeviceFromSnapshot(nlohmann::json::parse(text));
    EXPECT_EQ(read.id, id);
    EXPECT_EQ(read.board_kind(), device.board_kind());
    EXPECT_EQ(read.caches.size(), device.caches.size());
    EXPECT_EQ(read.peak_flop_per_cycle(), device.peak_flop_per_cycle());
    nlohmann::json again = DeviceSnapshot(read), first = nlohmann::json::parse(text);
    first.erase("virtual_board");
    EXPECT_EQ(again, first);
  }
}

// As recorded spaces have them from before clusters and toolchains.
TEST(DeviceSnapshot, OfAnEarlierVersionIsRead) {
  nlohmann::json snapshot = DeviceSnapshot(LoadDevice("rpi4").value());
  for (const char* later : {"clusters", "toolchain", "virtual_board"}) snapshot.erase(later);
  EXPECT_EQ(DeviceFromSnapshot(snapshot).cores, 4);
  EXPECT_TRUE(HardwareDifferences(snapshot, DeviceSnapshot(LoadDevice("rpi4").value())).empty());
  snapshot.erase("cores");
  EXPECT_THROW(DeviceFromSnapshot(snapshot), nlohmann::json::exception);
}

TEST(HardwareDifferences, AreOfWhatATimeDependsOn) {
  const Device rpi4 = LoadDevice("rpi4").value();
  const nlohmann::json then = DeviceSnapshot(rpi4);
  const auto differences = [&](const auto& change) {
    Device now = rpi4;
    change(now);
    std::string text;
    for (const HardwareDifference& d : HardwareDifferences(then, DeviceSnapshot(now))) {
      text += d.ToText() + "\n";
    }
    return text;
  };
  EXPECT_EQ(differences([](Device&) {}), "");
  EXPECT_EQ(differences([](Device& d) {
              d.id = "other";
              d.description = "described better";
              d.copy_gb_per_s = 5;  // measured by now
              d.memory_bytes *= 2;
              d.loaded_from = "/elsewhere.json";
            }),
            "");
  EXPECT_EQ(differences([](Device& d) { d.clock_ghz = 1.8; }), "clock_ghz 1.5, now 1.8\n");
  EXPECT_EQ(differences([](Device& d) { d.cpu = "Cortex-A76"; }),
            "cpu \"Cortex-A72\", now \"Cortex-A76\"\n");
  EXPECT_EQ(differences([](Device& d) { d.caches[1].bytes *= 2; }), "caches\n");
  EXPECT_EQ(differences([](Device& d) { d.virtual_board_text = R"({"issue_width":9})"; }),
            "virtual_board\n");
}

}  // namespace
}  // namespace halyard
