// Columns of each operator against values worked out by hand, on the device of feature_tasks.h: 8
// lanes, 32 registers, 4 cores, 2 FMAs and 2 loads a cycle, 32 KiB and 1 MiB of cache.

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/cost_model/feature_row.h"
#include "tests/unit/cost_model/feature_tasks.h"

namespace halyard {
namespace {

constexpr double kL1 = 32 << 10, kL2 = 1 << 20;

TEST(RegisterTile, TheSlowestPortBinds) {
  const Machine m(TestDevice());
  // 24 FMAs on two ports; 4 + 6 loads on two; 34 micro-ops and a loop's 3 on six.
  EXPECT_DOUBLE_EQ((RegisterTile{6, 4, 1, 1}).CyclesPerStep(m), 12);
  EXPECT_DOUBLE_EQ((RegisterTile{6, 4, 1, 1}).Efficiency(m), 1);
  // One row: 8 FMAs take 4 cycles, 8 + 1 loads 4.5.
  EXPECT_DOUBLE_EQ((RegisterTile{1, 8, 1, 1}).CyclesPerStep(m), 4.5);
  // Two chains wait for each other's latency.
  EXPECT_DOUBLE_EQ((RegisterTile{2, 1, 1, 1}).CyclesPerStep(m), m.fma_latency);
  // Selecting each element of A takes the ports that multiply.
  RegisterTile selecting{6, 4, 1, 1};
  selecting.port_ops = 6;
  EXPECT_DOUBLE_EQ(selecting.CyclesPerStep(m), 15);
  // Inputs in vectors: none is shared by two rows.
  RegisterTile depthwise{4, 2, 1, 1};
  depthwise.elementwise = true;
  EXPECT_DOUBLE_EQ(depthwise.loads(), 10);
}

TEST(Tasks, ImbalanceByHand) {
  // Five tasks on four cores take two rounds of 4 / 5 each.
  EXPECT_DOUBLE_EQ((Tasks{5, 1, true}).Imbalance(4), 1.6);
  // The second round is a fifth of a task: 1.2 of 4.2 / 4.
  EXPECT_NEAR((Tasks{5, 0.2, true}).Imbalance(4), 1.2 * 4 / 4.2, 1e-12);
  EXPECT_DOUBLE_EQ((Tasks{8, 1, true}).Imbalance(4), 1);
  EXPECT_DOUBLE_EQ((Tasks{3, 1, true}).IdleShare(4), 0.25);
  EXPECT_DOUBLE_EQ((Tasks{1, 1, false}).Imbalance(4), 4);
  EXPECT_DOUBLE_EQ((Tasks{1, 1, false}).IdleShare(4), 0.75);
}

TEST(GemmFeatures, ByHand) {
  const Task task = GemmTask({100, 90, 256});
  const auto row = NamedRow(task, With(task, {{"vec", "16"},
                                              {"reg_m", "6"},
                                              {"reg_n", "2"},
                                              {"tile_m", "4"},
                                              {"tile_n", "2"},
                                              {"k_block", "64"},
                                              {"unroll_k", "2"},
                                              {"order", "m_outer"},
                                              {"pack_b", "tile"},
                                              {"parallel", "outer"}}));
  EXPECT_FLOAT_EQ(row.at("vector.native"), 2);
  // 6 x 2 accumulators and an operand, of two registers each.
  EXPECT_FLOAT_EQ(row.at("micro.registers"), 26 / 32.0f);
  EXPECT_FLOAT_EQ(row.at("micro.fma_per_load"), 24 / 10.0f);
  EXPECT_FLOAT_EQ(row.at("micro.body"), std::log2(2 * 34.0));
  EXPECT_FLOAT_EQ(row.at("micro.depth"), 6);
  EXPECT_FLOAT_EQ(row.at("waste.m.reg"), std::log2(102 / 100.0));
  EXPECT_FLOAT_EQ(row.at("waste.m.tile"), std::log2(120 / 100.0));
  EXPECT_FLOAT_EQ(row.at("waste.n.reg"), std::log2(96 / 90.0));
  EXPECT_FLOAT_EQ(row.at("waste.n.tile"), std::log2(128 / 90.0));
  // K-blocked cache tiles are computed whole.
  EXPECT_NEAR(row.at("waste.total"), std::log2(120 * 128 / 9000.0), 1e-5);
  EXPECT_FLOAT_EQ(row.at("nest.trips_m"), std::log2(5.0));
  EXPECT_FLOAT_EQ(row.at("nest.trips_n"), std::log2(2.0));
  // Row tiles, column tiles, K-blocks, columns of tiles.
  EXPECT_FLOAT_EQ(row.at("nest.loop1"), 2);
  EXPECT_FLOAT_EQ(row.at("nest.loop2"), 1);
  EXPECT_FLOAT_EQ(row.at("nest.loop3"), 2);
  EXPECT_FLOAT_EQ(row.at("nest.loop4"), 1);
  EXPECT_FLOAT_EQ(row.at("nest.bytes0/cache1"), std::log2(4 * (6 * 64 + 32 * 64 + 6 * 32) / kL1));
  EXPECT_FLOAT_EQ(row.at("nest.bytes1/cache2"), std::log2(4 * (24 * 64 + 32 * 64 + 24 * 32) / kL2));
  EXPECT_FLOAT_EQ(row.at("panel.b/cache1"), std::log2(4 * 32 * 64 / kL1));
  // B is packed for each of five tiles of rows, A is not.
  EXPECT_FLOAT_EQ(row.at("pack.b"), std::log2(6.0));
  EXPECT_FLOAT_EQ(row.at("pack.a"), 0);
  EXPECT_FLOAT_EQ(row.at("stride.a"), 10);
  EXPECT_FLOAT_EQ(row.at("stride.b"), 7);
  // Five tasks on four cores.
  EXPECT_FLOAT_EQ(row.at("parallel.tasks"), std::log2(5.0));
  EXPECT_FLOAT_EQ(row.at("parallel.imbalance"), std::log2(1.6f));
  EXPECT_FLOAT_EQ(row.at("product.k_block"), -2);
}

TEST(GemmFeatures, TimesOfAProductThatIsAllMultiplication) {
  // 4 x 2 vectors of 8, whole tiles: 8 FMAs a step take 4 cycles, the latency; 6 loads 3.
  const Task task = GemmTask({128, 128, 1024});
  const auto row = NamedRow(task, With(task, {{"vec", "8"},
                                              {"reg_m", "4"},
                                              {"reg_n", "2"},
                                              {"pack_b", "none"},
                                              {"parallel", "both"}}));
  EXPECT_FLOAT_EQ(row.at("micro.efficiency"), 0);
  EXPECT_FLOAT_EQ(row.at("waste.total"), 0);
  // 512 tiles of 1024 steps of 4 cycles and 18 to store, against 4 a step.
  EXPECT_NEAR(row.at("time.compute/roof"), std::log2((1024 * 4 + 18) / 4096.0), 1e-4);
  EXPECT_GE(row.at("time.total/roof"), row.at("time.bound/roof"));
  EXPECT_GE(row.at("time.bound/roof"), row.at("time.compute/roof"));
}

TEST(GemmFeatures, RowsAPageApartCrowdTheFirstLevel) {
  const Task crowded = GemmTask({64, 1024, 256}), spread = GemmTask({64, 1040, 256});
  auto conflict = [](const Task& task, const char* pack) {
    return NamedRow(task, With(task, {{"vec", "16"}, {"reg_n", "1"}, {"pack_b", pack}}))
        .at("conflict.b");
  };
  EXPECT_FLOAT_EQ(conflict(crowded, "none"), 6);  // all 64 sets wanted, one line of them reached
  EXPECT_FLOAT_EQ(conflict(spread, "none"), 0);
  EXPECT_FLOAT_EQ(conflict(crowded, "root"), 0);
}

TEST(BatchGemmFeatures, ProductsAreTasks) {
  const Task task = TaskOf("batch_gemm:12x64x64x64");
  const auto row = NamedRow(task, With(task, {{"parallel", "serial"}}));
  EXPECT_FLOAT_EQ(row.at("parallel.tasks"), std::log2(12.0));
  EXPECT_FLOAT_EQ(row.at("parallel.idle"), 0);
  EXPECT_FLOAT_EQ(row.at("product.rows"), 6);
}

TEST(ConvFeatures, DirectByHand) {
  const Task task = TaskOf("conv2d:2x10x14x8x24x3x3,pad=1");
  const auto row = NamedRow(task, With(task, {{"form", "direct"},
                                              {"reg_m", "4"},
                                              {"rows", "4"},
                                              {"vec", "8"},
                                              {"reg_n", "2"},
                                              {"parallel", "outer"},
                                              {"input", "tile"},
                                              {"order", "m_outer"}}));
  // A register tile slides along a row of 14 pixels; 3 tasks of up to 4 rows in each of 2 images.
  EXPECT_FLOAT_EQ(row.at("waste.m.reg"), std::log2(16 / 14.0));
  EXPECT_FLOAT_EQ(row.at("waste.m.tile"), std::log2(12 / 10.0));
  EXPECT_FLOAT_EQ(row.at("waste.n.reg"), std::log2(32 / 24.0));
  EXPECT_FLOAT_EQ(row.at("parallel.tasks"), std::log2(6.0));
  EXPECT_FLOAT_EQ(row.at("parallel.imbalance"), std::log2(8 / 6.0));
  // Each task of 4 rows copies 6.
  EXPECT_FLOAT_EQ(row.at("conv.halo"), std::log2(6 / 4.0));
  EXPECT_FLOAT_EQ(row.at("pack.a"), std::log2(1 + 6 * 6 / 20.0));
  EXPECT_FLOAT_EQ(row.at("panel.b/cache1"), std::log2(4 * 16 * 72 / kL1));
}

TEST(ConvFeatures, WinogradByHand) {
  const Task task = TaskOf("conv2d:2x10x14x16x24x3x3,pad=1");
  const auto row = NamedRow(task, With(task, {{"form", "winograd"},
                                              {"winograd", "4"},
                                              {"reg_m", "4"},
                                              {"rows", "1"},
                                              {"vec", "8"},
                                              {"reg_n", "2"},
                                              {"order", "m_outer"}}));
  // In tiles of 4 x 4 a row of 14 pixels is 4 tiles, in one register tile; 3 rows of tiles an
  // image.
  EXPECT_FLOAT_EQ(row.at("waste.m.reg"), std::log2(16 / 14.0));
  EXPECT_FLOAT_EQ(row.at("waste.m.tile"), std::log2(12 / 10.0));
  EXPECT_FLOAT_EQ(row.at("parallel.tasks"), std::log2(6.0));
  EXPECT_FLOAT_EQ(row.at("winograd.filter/cache2"), std::log2(4 * 36 * 16 * 32 / kL2));
  EXPECT_FLOAT_EQ(row.at("winograd.block/cache2"), std::log2(4 * 4 * 36 * (16 + 32) / kL2));
  // 24 tiles with 36 products of 16 x 32, against 280 pixels of 9 x 16 x 24 less the border's.
  EXPECT_LT(row.at("waste.total"), 0);
}

TEST(ConvFeatures, Im2colIsTheProduct) {
  const Task task = TaskOf("conv2d:2x10x14x8x24x3x3,pad=1");
  const auto row = NamedRow(
      task, With(task, {{"form", "im2col"}, {"reg_m", "6"}, {"vec", "8"}, {"reg_n", "1"}}));
  // 280 pixels by 24 channels, 72 deep.
  EXPECT_FLOAT_EQ(row.at("waste.m.reg"), std::log2(282 / 280.0));
  EXPECT_FLOAT_EQ(row.at("panel.b/cache1"), std::log2(4 * 8 * 72 / kL1));
  EXPECT_FLOAT_EQ(row.at("product.taps"), std::log2(9.0));
}

TEST(AttentionFeatures, ByHand) {
  const Task task = TaskOf("attention:6x100x300x40");
  const Config chunked = With(task, {{"form", "chunked"},
                                     {"lanes", "keys"},
                                     {"vec", "8"},
                                     {"m", "16"},
                                     {"l", "64"},
                                     {"s_lane", "2"},
                                     {"s_row", "4"},
                                     {"o_lane", "3"},
                                     {"o_row", "2"},
                                     {"grain", "2"}});
  auto row = NamedRow(task, chunked);
  EXPECT_FLOAT_EQ(row.at("attention.keys"), std::log2(300.0));
  EXPECT_FLOAT_EQ(row.at("micro.registers"), 9 / 32.0f);
  EXPECT_FLOAT_EQ(row.at("attention.out_registers"), 7 / 32.0f);
  // 6 FMAs a step are 3 cycles of the latency's 4.
  EXPECT_FLOAT_EQ(row.at("attention.out_efficiency"), std::log2(3 / 4.0));
  EXPECT_FLOAT_EQ(row.at("waste.queries"), std::log2(112 / 100.0));
  EXPECT_FLOAT_EQ(row.at("waste.keys"), std::log2(320 / 300.0));
  EXPECT_FLOAT_EQ(row.at("waste.depth"), std::log2(48 / 40.0));
  EXPECT_FLOAT_EQ(row.at("attention.chunks"), std::log2(5.0));
  EXPECT_FLOAT_EQ(row.at("attention.scores/cache1"), std::log2(4 * 16 * 64 / kL1));
  EXPECT_FLOAT_EQ(row.at("attention.kv/cache1"), std::log2(4 * 64 * (40 + 48) / kL1));
  // Six heads of seven blocks, two a task: 21 tasks in six rounds of four, the last of one alone.
  EXPECT_FLOAT_EQ(row.at("parallel.tasks"), std::log2(21.0));
  EXPECT_FLOAT_EQ(row.at("parallel.imbalance"), std::log2(24 / 21.0));

  // Not chunked: all keys, in whole score tiles of 16.
  row = NamedRow(task, With(task, {{"form", "pipelined"},
                                   {"lanes", "keys"},
                                   {"vec", "8"},
                                   {"m", "16"},
                                   {"s_lane", "2"},
                                   {"s_row", "4"}}));
  EXPECT_FLOAT_EQ(row.at("waste.keys"), std::log2(304 / 300.0));
  EXPECT_FLOAT_EQ(row.at("attention.chunks"), 0);
}

TEST(AttentionFeatures, CausalChunksThatNobodySeesCostNothing) {
  const Task all = TaskOf("attention:4x256x40"), causal = TaskOf("attention:4x256x40,causal=1");
  auto computed = [](const Task& task, const char* form) {
    const auto row = NamedRow(task, With(task, {{"form", form}, {"m", "16"}, {"l", "64"}}));
    return std::exp2(row.at("waste.total")) * task.op->Flops(task.workload);
  };
  EXPECT_NEAR(computed(causal, "chunked") / computed(all, "chunked"), 1 - 0.5 * 255 / 256, 1e-4);
  EXPECT_NEAR(computed(causal, "pipelined") / computed(all, "pipelined"), 1, 1e-4);
}

TEST(SoftmaxFeatures, ByHand) {
  const Task task = TaskOf("softmax:100x1000");
  const auto row = NamedRow(task, With(task, {{"form", "store"},
                                              {"vec", "8"},
                                              {"partials", "3"},
                                              {"unroll", "4"},
                                              {"block", "4"},
                                              {"grain", "4"},
                                              {"parallel", "yes"}}));
  EXPECT_FLOAT_EQ(row.at("rows.partials"), 3);
  EXPECT_FLOAT_EQ(row.at("rows.tail"), std::log2(1008 / 1000.0));
  EXPECT_FLOAT_EQ(row.at("rows.vector_tail"), std::log2(1024 / 1000.0));
  EXPECT_FLOAT_EQ(row.at("rows.block/cache1"), std::log2(4 * 4 * 1000 / kL1));
  EXPECT_FLOAT_EQ(row.at("parallel.tasks"), std::log2(7.0));
}

}  // namespace
}  // namespace halyard
