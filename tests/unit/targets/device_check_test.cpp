// Figures of a device file that contradict each other, or that no board has.

#include "targets/device_check.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "targets/device_file.h"

namespace halyard {
namespace {

using nlohmann::json;

// What is said of a Raspberry Pi 4 with a change.
std::string ErrorWith(const std::function<void(json&)>& change) {
  std::ifstream stream(DataPath("devices/rpi4.json"));
  json file = json::parse(stream);
  change(file);
  const auto device = ParseDevice(file, "x.json");
  return device.ok() ? "" : std::string(device.status().message());
}

TEST(DeviceCheck, CachesThatContradict) {
  EXPECT_EQ(ErrorWith([](json&) {}), "");
  EXPECT_EQ(
      ErrorWith([](json& f) { f["caches"][1]["bytes"] = 16384; }),
      "x.json: caches[1].bytes is 16384, less than the 32768 of the cache before it; give the "
      "level nearest to the core first");
  EXPECT_EQ(ErrorWith([](json& f) { f["caches"][0]["line_bytes"] = 48; }),
            "x.json: caches[0].line_bytes is 48; give a power of two");
  EXPECT_EQ(ErrorWith([](json& f) { f["caches"][0]["line_bytes"] = 65536; }),
            "x.json: caches[0].line_bytes is 65536, more than the cache's 32768 bytes");
  EXPECT_EQ(ErrorWith([](json& f) { f["caches"][1]["shared_by_cores"] = 8; }),
            "x.json: caches[1].shared_by_cores is 8, and the device has 4 cores");
  EXPECT_EQ(ErrorWith([](json& f) {
              f["caches"][0]["shared_by_cores"] = 4, f["caches"][1]["shared_by_cores"] = 2;
            }),
            "x.json: caches[1].shared_by_cores is 2, less than the 4 of the cache before it");
}

TEST(DeviceCheck, MemorySmallerThanWhatLiesInIt) {
  EXPECT_EQ(ErrorWith([](json& f) { f["memory_bytes"] = 1000000; }),
            "x.json: memory_bytes is 1000000, less than caches[1] with 1048576");
  EXPECT_EQ(ErrorWith([](json& f) { f["stack_bytes"] = 8589934592; }),
            "x.json: stack_bytes is 8589934592, more than the memory's 4294967296 bytes");
}

TEST(DeviceCheck, FiguresThatNoBoardHas) {
  EXPECT_EQ(ErrorWith([](json& f) { f["clock_ghz"] = 1500; }),
            "x.json: clock_ghz is 1500; give GHz from 0.001 to 20");
  EXPECT_EQ(ErrorWith([](json& f) { f["copy_gb_per_s"] = 4e9; }),
            "x.json: copy_gb_per_s is 4e+09; give GB/s from 0.0001 to 20000");
  EXPECT_EQ(ErrorWith([](json& f) { f["fma_per_cycle"] = 64; }),
            "x.json: fma_per_cycle is 64; give vector FMAs a cycle from 0.01 to 16");
  EXPECT_EQ(ErrorWith([](json& f) { f["vector_bytes"] = 12; }),
            "x.json: vector_bytes is 12; give a power of two");
  EXPECT_EQ(ErrorWith([](json& f) { f["vector_bytes"] = 2048; }),
            "x.json: vector_bytes is 2048; give bytes from 4 to 256");
  EXPECT_EQ(ErrorWith([](json& f) { f["cores"] = 4000; }),
            "x.json: cores is 4000; give a number from 1 to 1024");
}

TEST(DeviceCheck, AProcessorThatIsTwo) {
  EXPECT_EQ(ErrorWith([](json& f) { f["triplet"] = "x86_64-linux-gnu"; }),
            "x.json: triplet 'x86_64-linux-gnu' is of another processor than halide_target "
            "'arm-64-linux'");
}

TEST(DeviceCheck, IdsThatCannotNameFiles) {
  for (const char* id : {"jetson-nano", "my_board.2", "8gen3"}) EXPECT_TRUE(IsDeviceId(id)) << id;
  for (const char* id : {"", "../x", "a/b", ".hidden", "-x", "my board", "b\n"}) {
    EXPECT_FALSE(IsDeviceId(id)) << id;
  }
  EXPECT_EQ(ErrorWith([](json& f) { f["id"] = "a/b"; }).rfind("x.json: id 'a/b' cannot name", 0),
            0u);
}

}  // namespace
}  // namespace halyard
