// A kernel told by its markers, blocks and accesses, as the plugin hands them over.

#include "targets/virtual_board/kernel_counter.h"

#include <gtest/gtest.h>

#include "targets/device.h"
#include "targets/virtual_board/decode_aarch64.h"
#include "targets/virtual_board/markers.h"

namespace halyard {
namespace {

class KernelCounterTest : public testing::Test {
 protected:
  void Use(const std::string& device) {
    std::string error;
    ASSERT_TRUE(counter_.Set(LoadDevice(device)->virtual_board.model, DecodeAarch64, &error))
        << error;
    loop_ = counter_.NewBlock();
    for (uint8_t k = 0; k < 16; k++) {  // fmla vK.4s, v30.4s, v31.4s
      loop_->bytes.insert(loop_->bytes.end(), {static_cast<uint8_t>(0xc0 | k), 0xcf, 0x3f, 0x4e});
    }
  }
  void Turns(int n) {
    for (int i = 0; i < n; i++) counter_.OnBlock(loop_);
  }
  void Kernel(int tasks_of_core_0, int tasks_of_core_1) {
    counter_.OnMarker(HALYARD_MARKER_KERNEL_BEGIN);
    Turns(10);
    counter_.OnMarker(HALYARD_MARKER_PARALLEL_BEGIN);
    for (int t = 0; t < tasks_of_core_0 + tasks_of_core_1; t++) {
      if (t == tasks_of_core_0) counter_.OnMarker(HALYARD_MARKER_NEXT_CORE);
      Turns(100);
      counter_.OnMarker(HALYARD_MARKER_TASK_END);
    }
    counter_.OnMarker(HALYARD_MARKER_PARALLEL_END);
    counter_.OnMarker(HALYARD_MARKER_KERNEL_END);
  }

  KernelCounter counter_;
  CountedBlock* loop_ = nullptr;
};

TEST_F(KernelCounterTest, CyclesOfSerialAndParallelParts) {
  Use("rpi4");
  Kernel(3, 2);
  Kernel(1, 1);
  const nlohmann::json report = counter_.Report();
  ASSERT_EQ(report["kernels"].size(), 2u);
  const nlohmann::json& k = report["kernels"][0];
  EXPECT_NEAR(k["serial"].get<double>(), 10 * 16, 40);
  ASSERT_EQ(k["regions"].size(), 1u);
  EXPECT_EQ(k["regions"][0][0], 5);
  EXPECT_NEAR(k["regions"][0][1][0].get<double>(), 500 * 16, 80);
  EXPECT_EQ(k["instructions"]["simd_fma"], 16 * 510);
  EXPECT_EQ(report["kernels"][1]["regions"][0][0], 2);
  EXPECT_EQ(report["kernels"][1]["instructions"]["simd_fma"], 16 * 210);
}

TEST_F(KernelCounterTest, EveryKindOfCoreIsCounted) {
  Use("snapdragon-8gen3");
  Kernel(3, 2);
  const nlohmann::json report = counter_.Report();
  const nlohmann::json& region = report["kernels"][0]["regions"][0];
  ASSERT_EQ(region[1].size(), 4u);
  // 4, 2 and 2 FMAs a cycle and 1, at clocks below the first one's 3.3 GHz.
  EXPECT_NEAR(region[1][0].get<double>(), 500 * 4, 40);
  EXPECT_NEAR(region[1][1].get<double>(), 500 * 8 * 3.3 / 3.15, 80);
  EXPECT_NEAR(region[1][2].get<double>(), 500 * 8 * 3.3 / 2.96, 80);
  EXPECT_NEAR(region[1][3].get<double>(), 500 * 16 * 3.3 / 2.27, 240);
}

TEST_F(KernelCounterTest, AKernelCostsTheSameWhereverItStands) {
  Use("rpi5");
  AccessSite* site = counter_.NewSite();
  const auto kernel = [&] {
    counter_.OnMarker(HALYARD_MARKER_WARM_BEGIN);
    for (uint64_t at = 0; at < 4096; at += 64) counter_.OnAccess(site, 0x10000 + at, 1, false);
    counter_.OnMarker(HALYARD_MARKER_WARM_END);
    counter_.OnMarker(HALYARD_MARKER_KERNEL_BEGIN);
    Turns(5);
    for (uint64_t at = 0; at < 8192; at += 64) counter_.OnAccess(site, 0x10000 + at, 16, true);
    counter_.OnMarker(HALYARD_MARKER_KERNEL_END);
  };
  kernel();
  Turns(1);
  kernel();
  const nlohmann::json report = counter_.Report();
  EXPECT_EQ(report["kernels"][0], report["kernels"][1]);
}

}  // namespace
}  // namespace halyard
