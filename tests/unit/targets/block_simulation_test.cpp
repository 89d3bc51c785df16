// Loops whose cycles an optimization guide's figures settle by arithmetic.

#include "targets/virtual_board/block_simulation.h"

#include <gtest/gtest.h>

#include "targets/device.h"
#include "targets/virtual_board/decode_aarch64.h"

namespace halyard {
namespace {

Core CoreOf(const std::string& device, size_t cluster = 0) {
  const Device d = LoadDevice(device).value();
  Core core;
  std::string error;
  EXPECT_TRUE(core.Set(d.virtual_board.model.clusters.at(cluster).core, &error)) << error;
  return core;
}

using Block = std::vector<Instruction>;

constexpr uint32_t kFmla = 0x4e20cc00;  // fmla vD.4s, vN.4s, vM.4s
constexpr uint32_t kFadd = 0x4e20d400;
Instruction Fmla(uint32_t d, uint32_t n = 30, uint32_t m = 31) {
  return DecodeAarch64(kFmla | d | n << 5 | m << 16);
}
Instruction LoadQ(uint32_t d, uint32_t base) { return DecodeAarch64(0x3dc00000 | d | base << 5); }
Instruction AddImmediate(uint32_t d) { return DecodeAarch64(0x91004000 | d | d << 5); }
const Instruction kBranchNotEqual = DecodeAarch64(0x54fffec1);

double Loop(const Core& core, const Block& block) { return BlockCycles(core, block, block, true); }

TEST(BlockSimulation, AChainOfMultiplyAddsCostsItsLatency) {
  struct {
    const char* device;
    size_t cluster;
    double accumulate, fmas_per_cycle;
  } cases[] = {{"jetson-nano", 0, 4, 1},
               {"rpi4", 0, 3, 1},
               {"rpi5", 0, 2, 2},
               {"jetson-orin-nano", 0, 2, 2},
               {"snapdragon-8gen3", 0, 2, 4},
               {"snapdragon-8gen3", 1, 2, 2},
               {"snapdragon-8gen3", 3, 4, 1}};
  for (const auto& c : cases) {
    const Core core = CoreOf(c.device, c.cluster);
    for (const uint32_t chains : {1u, 2u, 4u, 16u}) {
      Block block;
      for (uint32_t k = 0; k < chains; k++) block.push_back(Fmla(k));
      const double bound = std::max(c.accumulate, chains / c.fmas_per_cycle);
      EXPECT_NEAR(Loop(core, block), bound, 0.05 * bound) << c.device << ' ' << chains;
    }
  }
}

// 8 x 8 of a GEMM on a core of two FMA pipes: 16 accumulators, 4 loads, the counter.
TEST(BlockSimulation, AWideRegisterTileReachesThePeak) {
  Block block;
  for (uint32_t k = 0; k < 4; k++) block.push_back(LoadQ(16 + k, k));
  for (uint32_t k = 0; k < 16; k++) block.push_back(Fmla(k, 16 + k % 2, 18 + k / 2 % 2));
  block.push_back(AddImmediate(0));
  block.push_back(kBranchNotEqual);
  EXPECT_NEAR(Loop(CoreOf("rpi5"), block), 8, 0.2);
  // One pipe: 16 cycles; and the loads of the next turn go beside them.
  EXPECT_NEAR(Loop(CoreOf("rpi4"), block), 16, 0.8);
}

TEST(BlockSimulation, AnAdditionWaitsForTheWholeMultiplyAdd) {
  // fmla v0, then fadd v0, v0, v31: no forwarding from one class to the other.
  const Block block = {Fmla(0), DecodeAarch64(kFadd | 0 | 0 << 5 | 31 << 16)};
  EXPECT_NEAR(Loop(CoreOf("rpi5"), block), 4 + 2, 0.1);
  EXPECT_NEAR(Loop(CoreOf("rpi4"), block), 7 + 4, 0.1);
}

TEST(BlockSimulation, DispatchBoundsWhatNoPipeDoes) {
  Block block;
  for (uint32_t k = 0; k < 12; k++) block.push_back(DecodeAarch64(0xd503201f));  // nop
  EXPECT_NEAR(Loop(CoreOf("rpi4"), block), 4, 0.1);
  EXPECT_NEAR(Loop(CoreOf("rpi5"), block), 3, 0.1);
}

TEST(BlockSimulation, AnInOrderCoreWaitsWhereAnotherGoesOn) {
  // A load that is used at once, and independent work behind the use.
  Block block = {LoadQ(1, 1), DecodeAarch64(kFadd | 2 | 1 << 5 | 1 << 16)};
  for (uint32_t k = 4; k < 8; k++) block.push_back(DecodeAarch64(kFadd | k | 31 << 5 | 31 << 16));
  // In order: issue, 3 cycles for the load, then five additions on two 64-bit pipes.
  EXPECT_NEAR(Loop(CoreOf("snapdragon-8gen3", 3), block), 3 + 5, 1);
  EXPECT_NEAR(Loop(CoreOf("snapdragon-8gen3", 1), block), 2.5, 0.3);
}

TEST(BlockSimulation, ABlockOfALoopThatTwoMakeCostsItsShare) {
  // The 16 chains of one turn, in one block and in two.
  Block first, second, whole;
  for (uint32_t k = 0; k < 16; k++) {
    (k < 8 ? first : second).push_back(Fmla(k));
    whole.push_back(Fmla(k));
  }
  const Core core = CoreOf("rpi5");
  const double halves =
      BlockCycles(core, second, first, false) + BlockCycles(core, first, second, false);
  EXPECT_NEAR(halves, Loop(core, whole), 0.5);
}

TEST(BlockSimulation, AClassWithoutATimingIsNamed) {
  CoreModel model = LoadDevice("rpi4")->virtual_board.model.clusters[0].core;
  std::string error;
  model.classes["simd_fma"].pipes = "F0 F7";
  EXPECT_FALSE(Core().Set(model, &error));
  EXPECT_EQ(error, "classes.simd_fma: there is no pipe F7");
  model.classes.erase("simd_fma");
  EXPECT_FALSE(Core().Set(model, &error));
  EXPECT_EQ(error, "classes.simd_fma is missing");
}

}  // namespace
}  // namespace halyard
