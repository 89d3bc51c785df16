#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "targets/device.h"

namespace halyard {
namespace {

class DeviceInheritance : public testing::Test {
 protected:
  DeviceInheritance() { std::filesystem::create_directories(folder_ + "/sub"); }
  ~DeviceInheritance() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }
  static std::string ErrorOf(const std::string& path) {
    const auto device = LoadDevice(path);
    return device.ok() ? "" : std::string(device.status().message());
  }

  const std::string folder_ = testing::TempDir() + "device_inheritance";
};

TEST_F(DeviceInheritance, ChangesFieldsOfAListedDevice) {
  Write("my.json", R"({"inherits": "rpi4", "id": "my", "clock_ghz": 1.8,
                       "virtual_board": {"qemu_cpu": "max"}, "board": "ssh:pi@pi4"})");
  const std::string path =
      Write("sub/mine.json", R"({"inherits": "../my.json", "id": "mine", "cores": 8})");
  const auto device = LoadDevice(path);
  ASSERT_TRUE(device.ok()) << device.status();
  EXPECT_EQ(device->id, "mine");
  EXPECT_EQ(device->cores, 8);
  EXPECT_EQ(device->clock_ghz, 1.8);
  EXPECT_EQ(device->board.ToText(), "ssh:pi@pi4");
  EXPECT_EQ(device->virtual_board.qemu_cpu, "max");
  // Fields of an object inside are taken over one by one.
  const Device rpi4 = *LoadDevice("rpi4");
  EXPECT_EQ(device->virtual_board.issue_width(), rpi4.virtual_board.issue_width());
  EXPECT_EQ(device->virtual_board.model.clusters[0].cores, 8);
  EXPECT_EQ(device->caches.size(), rpi4.caches.size());
  EXPECT_EQ(LoadDevice(device->loaded_from)->id, "mine");
}

TEST_F(DeviceInheritance, NullTakesAFieldAway) {
  const std::string path = Write("x.json", R"({"inherits": "rpi4", "id": "x", "clock_ghz": null})");
  EXPECT_EQ(ErrorOf(path), path + ": clock_ghz is missing");
}

TEST_F(DeviceInheritance, AnInheritedFieldThatIsWrongNamesTheFileThatGaveIt) {
  const std::string base = Write("base.json", R"({"inherits": "rpi4", "id": "b", "cores": 0})");
  const std::string heir = Write("heir.json", R"({"inherits": "./base.json", "id": "heir"})");
  EXPECT_EQ(ErrorOf(base), base + ": cores must be a positive integer");
  EXPECT_EQ(ErrorOf(heir), base + ": cores must be a positive integer (inherited by " + heir + ")");
  const std::string own =
      Write("own.json", R"({"inherits": "./base.json", "id": "own", "cores": -1})");
  EXPECT_EQ(ErrorOf(own), own + ": cores must be a positive integer");
}

TEST_F(DeviceInheritance, AListedIdIsForTheListedHardware) {
  const std::string moved = Write(
      "moved.json", R"({"inherits": "rpi4", "board": "ssh:pi@pi4", "memory_bytes": 8589934592})");
  EXPECT_EQ(LoadDevice(moved)->id, "rpi4");
  const std::string other = Write("other.json", R"({"inherits": "rpi4", "clock_ghz": 1.8})");
  EXPECT_EQ(ErrorOf(other), other +
                                ": id is 'rpi4', which is the listed device with another "
                                "clock_ghz; give an id of its own");
}

TEST_F(DeviceInheritance, ACircleIsNamed) {
  const std::string a = Write("a.json", R"({"inherits": "./b.json", "id": "a"})");
  Write("b.json", R"({"inherits": "./a.json", "id": "b"})");
  const std::string error = ErrorOf(a);
  EXPECT_NE(error.find("a.json: inherits goes round in a circle"), std::string::npos) << error;
  EXPECT_NE(error.find("b.json"), std::string::npos) << error;
}

TEST_F(DeviceInheritance, AMissingBaseIsNamed) {
  const std::string a = Write("a.json", R"({"inherits": "rpi3", "id": "a"})");
  EXPECT_EQ(ErrorOf(a).rfind(a + ": inherits names 'rpi3', which is neither", 0), 0u);
  const std::string b = Write("b.json", R"({"inherits": 3, "id": "b"})");
  EXPECT_EQ(ErrorOf(b), b + ": inherits must be the id of a device or a file");
  EXPECT_EQ(ErrorOf(folder_ + "/none.json"), "no device file " + folder_ + "/none.json");
  EXPECT_EQ(ErrorOf(Write("c.json", "{")), folder_ + "/c.json: not valid JSON");
}

TEST_F(DeviceInheritance, AnotherBoardThanTheFiles) {
  std::filesystem::create_directories(folder_ + "/my boards");
  const std::string path = Write("my boards/pi.json", R"({"inherits": "rpi4", "id": "pi"})");
  EXPECT_EQ(LoadDevice(path)->board_kind(), BoardKind::kVirtual);
  const auto device = LoadDevice(path, "ssh:pi@pi4:2222");
  ASSERT_TRUE(device.ok()) << device.status();
  EXPECT_EQ(device->board.ToText(), "ssh:pi@pi4:2222");
  EXPECT_EQ(device->board_kind(), BoardKind::kPhysical);
  // Another process, such as the one that compiles, has to find the same board kind.
  const auto again = LoadDevice(device->loaded_from);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->board.ToText(), "ssh:pi@pi4:2222");
  EXPECT_EQ(again->loaded_from, device->loaded_from);

  const auto wrong = LoadDevice("rpi4", "telnet:pi");
  EXPECT_EQ(wrong.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(wrong.status().message().find("--board 'telnet:pi' is not where"), std::string::npos);
  EXPECT_FALSE(LoadDevice("host", "virtual").ok());  // which has no virtual board
}

}  // namespace
}  // namespace halyard
