#include "targets/device.h"

#include <Halide.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "targets/device_file.h"
#include "targets/host_detection.h"

namespace halyard {
namespace {

using nlohmann::json;

json ReadJson(const std::string& id) {
  std::ifstream file(DataPath("devices/" + id + ".json"));
  return json::parse(file);
}

std::string ErrorOf(const json& file) {
  const auto device = ParseDevice(file, "x.json");
  return device.ok() ? "" : std::string(device.status().message());
}

TEST(Device, EveryListedDeviceLoads) {
  const std::vector<std::string> ids = DeviceIds();
  EXPECT_EQ(ids,
            (std::vector<std::string>{"cortex-m4", "cortex-m55", "cortex-m7", "host", "jetson-nano",
                                      "jetson-orin-nano", "rpi4", "rpi5", "snapdragon-8gen3"}));
  for (const std::string& id : ids) {
    const auto device = LoadDevice(id);
    ASSERT_TRUE(device.ok()) << device.status();
    EXPECT_EQ(device->id, id);
    EXPECT_EQ(device->caches.empty(), id == "cortex-m4" || id == "cortex-m55");
    EXPECT_EQ(device->has_os(), !device->firmware.has_value());
    EXPECT_GT(device->memory_bytes, 0);
    EXPECT_GT(device->cores, 0);
    EXPECT_GT(device->peak_flop_per_cycle(), 0);
  }
}

TEST(Device, UnknownIdListsTheKnownOnes) {
  const auto device = LoadDevice("toaster");
  EXPECT_EQ(device.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(device.status().message().find("host, jetson-nano, "), std::string::npos);
}

TEST(Device, RaspberryPi4) {
  const Device device = *LoadDevice("rpi4");
  EXPECT_EQ(device.board_kind(), BoardKind::kVirtual);
  EXPECT_EQ(device.lanes_f32(), 4);
  EXPECT_EQ(device.caches[1].shared_by_cores, 4);
  EXPECT_DOUBLE_EQ(device.clock_ghz * device.peak_flop_per_cycle(), 48);
  EXPECT_EQ(device.virtual_board.qemu_cpu, "cortex-a72");
}

TEST(Device, CoresOfSeveralKinds) {
  const Device device = *LoadDevice("snapdragon-8gen3");
  ASSERT_EQ(device.clusters.size(), 4u);
  // 4 FMAs of 4 lanes at 3.3 GHz, 3 x 2 at 3.15, 2 x 2 at 2.96 and 2 x 1 at 2.27.
  EXPECT_NEAR(device.clock_ghz * device.peak_flop_per_cycle(),
              8 * (4 * 3.3 + 6 * 3.15 + 4 * 2.96 + 2 * 2.27), 1e-9);
  // Its objects are Android's; what builds and runs them here is the GNU tools.
  EXPECT_EQ(device.triplet, "aarch64-linux-android");
  EXPECT_EQ(device.toolchain, "aarch64-linux-gnu");
  EXPECT_EQ(LoadDevice("rpi4")->toolchain, "aarch64-linux-gnu");
}

TEST(DeviceFile, ClustersAddUpToTheDevice) {
  json file = ReadJson("snapdragon-8gen3");
  file["clusters"][2]["cores"] = 3;
  EXPECT_EQ(ErrorOf(file), "x.json: clusters have 9 cores, cores says 8");
  file = ReadJson("snapdragon-8gen3");
  file["clusters"][0]["clock_ghz"] = 3.2;
  EXPECT_EQ(ErrorOf(file), "x.json: clusters[0].clock_ghz must be the device's clock_ghz");
  file["clusters"][1].erase("cpu");
  EXPECT_EQ(ErrorOf(file), "x.json: clusters[1].cpu is missing");
  // Read on level by level all the same.
  file = ReadJson("snapdragon-8gen3");
  file["clusters"][1]["caches"] = json::array({file["caches"][0]});
  EXPECT_EQ(ErrorOf(file), "x.json: clusters[1].caches must have as many levels as the device's");
}

#if defined(__x86_64__)
TEST(Device, HostTargetIsTheOneHalideDetects) {
  EXPECT_EQ(LoadDevice("host")->halide_target, Halide::get_host_target().to_string());
}
#endif

TEST(Device, TargetsOfKnownProcessors) {
  EXPECT_EQ(HalideTargetForX86Flags({"sse4_1"}), "x86-64-linux-sse41");
  EXPECT_EQ(HalideTargetForX86Flags({"sse4_1", "avx", "avx2", "f16c", "fma"}),
            "x86-64-linux-avx-avx2-f16c-fma-sse41");
  EXPECT_EQ(HalideTargetForX86Flags({"avx", "avx2", "fma", "f16c", "sse4_1", "avx512f", "avx512cd",
                                     "avx512bw", "avx512dq", "avx512vl"}),
            "x86-64-linux-avx-avx2-avx512-avx512_skylake-f16c-fma-sse41");
}

TEST(DeviceFile, EveryMissingFieldIsNamed) {
  const json whole = ReadJson("rpi4");
  for (const auto& [name, value] : whole.items()) {
    if (name == "sources") continue;
    json part = whole;
    part.erase(name);
    EXPECT_EQ(ErrorOf(part), "x.json: " + name + " is missing");
    part[name] = json::array({json::array()});
    EXPECT_EQ(ErrorOf(part).rfind("x.json: " + name, 0), 0u) << ErrorOf(part);
  }
}

TEST(DeviceFile, BadValuesAreNamed) {
  json file = ReadJson("rpi4");
  file["speed"] = 1;
  EXPECT_EQ(ErrorOf(file), "x.json: speed is not a field of a device file");
  file = ReadJson("rpi4");
  file["cores"] = 0;
  EXPECT_EQ(ErrorOf(file), "x.json: cores must be a positive integer");
  file["cores"] = 5'000'000'000;
  EXPECT_EQ(ErrorOf(file), "x.json: cores must be a positive integer");
  file = ReadJson("rpi4");
  file["caches"][1].erase("bytes");
  EXPECT_EQ(ErrorOf(file), "x.json: caches[1].bytes is missing");
  file = ReadJson("rpi4");
  file["virtual_board"]["memory"]["gb_per_s"] = -1;
  EXPECT_EQ(ErrorOf(file), "x.json: virtual_board.memory.gb_per_s must be a positive number");
  file["virtual_board"]["caches"].erase(1);
  EXPECT_EQ(ErrorOf(file), "x.json: virtual_board.caches must be a list of the device's 2 levels");
  file = ReadJson("rpi4");
  file["virtual_board"]["caches"][1]["ways"] = 0;
  EXPECT_EQ(ErrorOf(file), "x.json: virtual_board.caches[1].ways must be a positive integer");
  file = ReadJson("rpi4");
  file["virtual_board"]["core"] = "cortex-m0";
  EXPECT_EQ(ErrorOf(file), "no device file " + DataPath("devices/cores/cortex-m0.json"));
  file["virtual_board"].erase("core");
  EXPECT_EQ(ErrorOf(file), "x.json: virtual_board.core is missing");
  file = ReadJson("rpi4");
  file["board"] = "imaginary";
  EXPECT_EQ(ErrorOf(file).rfind("x.json: board 'imaginary' is not where a board is reached", 0),
            0u);
  EXPECT_EQ(ErrorOf(json::array()), "x.json: the file must be an object");
}

}  // namespace
}  // namespace halyard
