#include "targets/firmware_target.h"

#include <gtest/gtest.h>

#include <fstream>

#include "targets/device_file.h"

namespace halyard {
namespace {

using nlohmann::json;

json CortexM4() {
  std::ifstream file(DataPath("devices/cortex-m4.json"));
  return json::parse(file);
}

std::string ErrorOf(const json& file) {
  const auto device = ParseDevice(file, "x.json");
  return device.ok() ? "" : std::string(device.status().message());
}

// What is said of cortex-m4's file with one value changed.
std::string ErrorWith(const std::string& pointer, const json& value) {
  json file = CortexM4();
  file[json::json_pointer(pointer)] = value;
  return ErrorOf(file);
}

TEST(FirmwareTarget, CortexM4) {
  const Device device = *LoadDevice("cortex-m4");
  EXPECT_FALSE(device.has_os());
  EXPECT_EQ(device.lanes_f32(), 1);
  EXPECT_EQ(device.level2_bytes(), 192 << 10);
  ASSERT_TRUE(device.firmware.has_value());
  EXPECT_EQ(device.firmware->llc_cpu, "cortex-m4");
  ASSERT_EQ(device.firmware->memory.size(), 3u);
  EXPECT_EQ(device.firmware->memory[0].kind, MemoryKind::kFlash);
  EXPECT_EQ(device.firmware->memory[0].origin, 0x08000000u);
  EXPECT_EQ(device.firmware->memory[1].end(), 0x20020000u);
  EXPECT_EQ(device.firmware->emulator.machine, "mps2-an386");
}

// RAM of the device is RAM of its emulator: what fits one fits the other.
TEST(FirmwareTarget, EmulatorsHaveTheMemoriesOfTheirDevices) {
  for (const char* id : {"cortex-m4", "cortex-m7", "cortex-m55"}) {
    const Device device = *LoadDevice(id);
    const auto& real = device.firmware->memory;
    const auto& emulated = device.firmware->emulator.memory;
    ASSERT_EQ(real.size(), emulated.size()) << id;
    for (size_t i = 0; i < real.size(); ++i) {
      EXPECT_EQ(real[i].name, emulated[i].name) << id;
      EXPECT_EQ(real[i].kind, emulated[i].kind) << id;
      EXPECT_EQ(real[i].bytes, emulated[i].bytes) << id;
    }
  }
}

TEST(FirmwareTarget, WhatIsWrongIsSaidWithFileAndField) {
  EXPECT_EQ(ErrorOf(CortexM4()), "");
  EXPECT_EQ(ErrorWith("/firmware/memory/1/bytes", 0),
            "x.json: firmware.memory[1].bytes must be an integer of at least 1024");
  EXPECT_EQ(ErrorWith("/firmware/memory/1/origin", "0x08000400"),
            "x.json: firmware.memory[1] 'sram' overlaps memory[0] 'flash'");
  EXPECT_EQ(ErrorWith("/firmware/memory/1/origin", 536870912),
            "x.json: firmware.memory[1].origin must be a non-empty string");
  EXPECT_EQ(ErrorWith("/firmware/memory/1/origin", "536870912"),
            "x.json: firmware.memory[1].origin must be an address such as \"0x20000000\"");
  EXPECT_EQ(ErrorWith("/firmware/memory/1/origin", "0x20000001"),
            "x.json: firmware.memory[1].origin must be a multiple of 1024");
  EXPECT_EQ(ErrorWith("/firmware/memory/1/origin", "0x9fffff00"),
            "x.json: firmware.memory[1].origin must be a multiple of 1024");
  EXPECT_EQ(ErrorWith("/firmware/memory/1/origin", "0x9ffffc00"),
            "x.json: firmware.memory[1].bytes reach beyond 0xa0000000, where no memory is");
  EXPECT_EQ(ErrorWith("/firmware/memory/1/kind", "rom"),
            "x.json: firmware.memory[1].kind must be \"flash\", \"ram\" or \"data\"");
  EXPECT_EQ(ErrorWith("/firmware/memory/2/name", "sram"),
            "x.json: firmware.memory[2].name 'sram' is memory[1]'s, too");
  EXPECT_EQ(ErrorWith("/firmware/clock_source", "quartz"),
            "x.json: firmware.clock_source must be \"dwt\" or \"systick\"");
  EXPECT_EQ(ErrorWith("/firmware/emulator/icount_shift", 11),
            "x.json: firmware.emulator.icount_shift must be at most 10");
  EXPECT_EQ(ErrorWith("/firmware/emulator/memory/0/bytes", -1),
            "x.json: firmware.emulator.memory[0].bytes must be an integer of at least 1024");
  EXPECT_EQ(ErrorWith("/firmware/speed", 1),
            "x.json: firmware.speed is not a field of a device file");
  EXPECT_EQ(ErrorWith("/cores", 2), "x.json: cores must be 1 on a device with firmware");
  EXPECT_EQ(ErrorWith("/board", "local"),
            "x.json: board must be virtual, simulated or gdb:HOST:PORT on a device with firmware");
}

TEST(FirmwareTarget, MemoriesMustHoldCodeAndData) {
  json file = CortexM4();
  file["firmware"]["memory"] = json::array({file["firmware"]["memory"][0]});
  EXPECT_EQ(ErrorOf(file), "x.json: firmware.memory has no region of kind \"ram\" or \"data\"");
  file = CortexM4();
  file["firmware"]["memory"] = json::array({file["firmware"]["memory"][2]});
  EXPECT_EQ(ErrorOf(file), "x.json: firmware.memory has no region that code runs from");
}

TEST(FirmwareTarget, AVirtualBoardNeedsAnEmulator) {
  json file = CortexM4();
  file["firmware"].erase("emulator");
  EXPECT_EQ(ErrorOf(file), "x.json: firmware.emulator is missing, and the board is emulated");
  file["board"] = "gdb:localhost:3333";
  EXPECT_EQ(ErrorOf(file), "");
}

}  // namespace
}  // namespace halyard
