#include "cost_model/features.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "tests/unit/cost_model/feature_tasks.h"

namespace halyard {
namespace {

std::map<std::string, float> NamedRow(const FeatureExtractor& features, const Config& config) {
  std::vector<float> row(features.columns());
  features.Row(config, row.data());
  std::map<std::string, float> named;
  for (size_t i = 0; i < row.size(); i++) named[features.names()[i]] = row[i];
  return named;
}

class OperatorFeatures : public testing::TestWithParam<const char*> {};

TEST_P(OperatorFeatures, NamesAreUniqueAndValuesFinite) {
  const absl::StatusOr<Workload> workload = ParseWorkload(GetParam());
  ASSERT_TRUE(workload.ok()) << workload.status();
  const Task task = MakeTask(*workload, TestDevice());
  const FeatureExtractor features(task);
  const std::set<std::string> unique(features.names().begin(), features.names().end());
  EXPECT_EQ(unique.size(), features.columns());
  std::mt19937_64 rng(1);
  for (int i = 0; i < 200; i++) {
    const std::optional<Config> config = task.space.Random(rng);
    ASSERT_TRUE(config.has_value());
    for (const auto& [name, value] : NamedRow(features, *config)) {
      EXPECT_TRUE(std::isfinite(value)) << name << " of " << task.space.ToText(*config);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, OperatorFeatures,
                         testing::Values("gemm:100x90x256:f32", "gemm:1x1x1:f32",
                                         "conv2d:1x14x14x32x48x3x3,pad=1:f32",
                                         "conv2d:1x9x9x32x32x3x3,groups=32:f32",
                                         "softmax:37x1000:f32", "attention:2x50x40:f32",
                                         "attention:1x40x70x8,causal=1:f32"));

TEST(Features, KnobsWorkloadAndDevice) {
  const Task task = GemmTask({100, 90, 256});
  const auto row =
      NamedRow(FeatureExtractor(task), With(task, {{"reg_m", "6"}, {"order", "n_outer"}}));
  EXPECT_FLOAT_EQ(row.at("dim.k.log2"), 8);
  EXPECT_FLOAT_EQ(row.at("device.lanes_f32"), 8);
  EXPECT_FLOAT_EQ(row.at("device.cache2.log2_bytes"), 20);
  EXPECT_FLOAT_EQ(row.at("knob.reg_m.log2"), std::log2(7.0f));
  EXPECT_FLOAT_EQ(row.at("knob.order=m_outer"), 0);
  EXPECT_FLOAT_EQ(row.at("knob.order=n_outer"), 1);
  EXPECT_EQ(row.count("knob.order.log2"), 0u);
}

TEST(Features, LoopNestByHand) {
  const Task task = GemmTask({100, 90, 256});
  const auto row = NamedRow(FeatureExtractor(task), With(task, {{"vec", "16"},
                                                                {"reg_m", "6"},
                                                                {"reg_n", "2"},
                                                                {"tile_m", "4"},
                                                                {"tile_n", "2"},
                                                                {"k_block", "64"},
                                                                {"unroll_k", "2"},
                                                                {"order", "m_outer"},
                                                                {"parallel", "outer"}}));
  EXPECT_FLOAT_EQ(row.at("loop.native_vectors"), 2);
  EXPECT_FLOAT_EQ(row.at("loop.accumulators"), 6 * 2 * 2 / 32.0f);
  EXPECT_FLOAT_EQ(row.at("loop.fma_per_load"), 12 / 8.0f);
  EXPECT_FLOAT_EQ(row.at("loop.unrolled_fmas"), std::log2(24.0f));
  // A cache tile of 24 rows x 64 columns, 64 deep.
  EXPECT_FLOAT_EQ(row.at("loop.b_panel_over_cache1"), std::log2(4.0f * 32 * 64 / (32 << 10)));
  EXPECT_FLOAT_EQ(row.at("loop.c_tile_over_cache1"), std::log2(4.0f * 24 * 64 / (32 << 10)));
  EXPECT_FLOAT_EQ(row.at("loop.a_tile_over_cache2"), std::log2(4.0f * 24 * 64 / (1 << 20)));
  EXPECT_FLOAT_EQ(row.at("loop.tile_over_cache1"),
                  std::log2(4.0f * (24 * 64 + 64 * 64 + 24 * 64) / (32 << 10)));
  EXPECT_FLOAT_EQ(row.at("loop.waste.m.reg"), 102 / 100.0 - 1);
  EXPECT_FLOAT_EQ(row.at("loop.waste.m.tile"), 120 / 100.0 - 1);
  EXPECT_FLOAT_EQ(row.at("loop.waste.n.reg"), 96 / 90.0 - 1);
  EXPECT_FLOAT_EQ(row.at("loop.waste.n.tile"), 128 / 90.0 - 1);
  EXPECT_FLOAT_EQ(row.at("loop.waste.k.block"), 0);
  EXPECT_FLOAT_EQ(row.at("loop.trips_m"), std::log2(5.0f));
  // Five tasks on four cores take two rounds: 8 / 5 - 1.
  EXPECT_FLOAT_EQ(row.at("loop.tasks"), std::log2(5.0f));
  EXPECT_FLOAT_EQ(row.at("loop.imbalance"), 0.6f);
}

TEST(Features, AttentionByHand) {
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
  const FeatureExtractor features(task);
  auto row = NamedRow(features, chunked);
  EXPECT_FLOAT_EQ(row.at("dim.keys.log2"), std::log2(300.0f));
  EXPECT_FLOAT_EQ(row.at("attr.causal"), 0);
  EXPECT_FLOAT_EQ(row.at("loop.s_accumulators"), 8 / 32.0f);
  EXPECT_FLOAT_EQ(row.at("loop.o_fma_per_load"), 6 / 5.0f);
  EXPECT_FLOAT_EQ(row.at("loop.waste.queries.m"), 112 / 100.0 - 1);
  EXPECT_FLOAT_EQ(row.at("loop.waste.keys.l"), 320 / 300.0 - 1);
  EXPECT_FLOAT_EQ(row.at("loop.waste.depth.o"), 48 / 40.0 - 1);
  EXPECT_FLOAT_EQ(row.at("loop.chunks"), std::log2(5.0f));
  EXPECT_FLOAT_EQ(row.at("loop.scores_over_cache1"), std::log2(4.0f * 16 * 64 / (32 << 10)));
  EXPECT_FLOAT_EQ(row.at("loop.kv_over_cache1"), std::log2(8.0f * 40 * 64 / (32 << 10)));
  // Six heads of seven blocks, two a task: 21 tasks in six rounds of four.
  EXPECT_FLOAT_EQ(row.at("loop.tasks"), std::log2(21.0f));
  EXPECT_FLOAT_EQ(row.at("loop.imbalance"), 24 / 21.0 - 1);
  EXPECT_EQ(row.count("loop.trips_m"), 0u);

  // Not chunked: all keys, in whole score tiles of 16.
  Config pipelined = chunked;
  pipelined[0] = 1;
  row = NamedRow(features, pipelined);
  EXPECT_FLOAT_EQ(row.at("loop.waste.keys.l"), 304 / 300.0 - 1);
  EXPECT_FLOAT_EQ(row.at("loop.chunks"), 0);
}

TEST(Features, ConvolutionByHand) {
  const Task task = TaskOf("conv2d:2x10x14x8x24x3x3,pad=1");
  Config config = With(task, {{"form", "direct"},
                              {"reg_m", "4"},
                              {"rows", "4"},
                              {"vec", "8"},
                              {"reg_n", "2"},
                              {"parallel", "outer"},
                              {"order", "m_outer"}});
  const FeatureExtractor features(task);
  auto row = NamedRow(features, config);
  // A register tile slides along a row of 14 pixels; 3 tasks of up to 4 rows in each of 2 images.
  EXPECT_FLOAT_EQ(row.at("loop.waste.m.reg"), 16 / 14.0 - 1);
  EXPECT_FLOAT_EQ(row.at("loop.waste.m.tile"), 12 / 10.0 - 1);
  EXPECT_FLOAT_EQ(row.at("loop.waste.n.reg"), 32 / 24.0 - 1);
  EXPECT_FLOAT_EQ(row.at("loop.tasks"), std::log2(6.0f));
  EXPECT_FLOAT_EQ(row.at("loop.imbalance"), 8 / 6.0 - 1);
  // In tiles of 4 x 4: a row of 14 pixels is 4 tiles in register tiles of 4; rows of 4 x 1 tiles, 3
  // tasks.
  row = NamedRow(features, With(task, {{"form", "winograd"},
                                       {"winograd", "4"},
                                       {"reg_m", "4"},
                                       {"rows", "1"},
                                       {"vec", "8"},
                                       {"reg_n", "2"},
                                       {"order", "m_outer"}}));
  EXPECT_FLOAT_EQ(row.at("loop.waste.m.reg"), 16 / 14.0 - 1);
  EXPECT_FLOAT_EQ(row.at("loop.waste.m.tile"), 12 / 10.0 - 1);
  EXPECT_FLOAT_EQ(row.at("loop.tasks"), std::log2(6.0f));
  EXPECT_FLOAT_EQ(row.at("loop.b_panel_over_cache1"), std::log2(4.0f * 16 * 8 / (32 << 10)));
  // As a product: 280 pixels by 24 channels, 72 deep.
  config = With(task, {{"form", "im2col"}, {"reg_m", "6"}, {"vec", "8"}, {"reg_n", "1"}});
  row = NamedRow(features, config);
  EXPECT_FLOAT_EQ(row.at("loop.waste.m.reg"), 282 / 280.0 - 1);
  EXPECT_FLOAT_EQ(row.at("loop.b_panel_over_cache1"), std::log2(4.0f * 8 * 72 / (32 << 10)));
}

TEST(Features, SoftmaxByHand) {
  const Task task = TaskOf("softmax:100x1000");
  const auto row = NamedRow(
      FeatureExtractor(task),
      With(task,
           {{"vec", "8"}, {"partials", "3"}, {"block", "4"}, {"grain", "4"}, {"parallel", "yes"}}));
  EXPECT_FLOAT_EQ(row.at("loop.accumulators"), 3 / 32.0f);
  EXPECT_FLOAT_EQ(row.at("loop.waste.columns.step"), 1008 / 1000.0 - 1);
  EXPECT_FLOAT_EQ(row.at("loop.rows_over_cache1"), std::log2(4.0f * 4 * 1000 / (32 << 10)));
  EXPECT_FLOAT_EQ(row.at("loop.tasks"), std::log2(7.0f));
}

TEST(Features, ALabelWithoutAMeaningLeavesItsLoopColumnsOut) {
  Task task = GemmTask({100, 90, 256});
  SpaceDefinition def;
  def.knobs = task.space.knobs();
  for (Knob& knob : def.knobs) {
    if (knob.name == "parallel") knob.labels.back() = "diagonal";
  }
  def.safe.assign(def.knobs.size(), 0);
  task.space = ScheduleSpace(def);
  const auto row = NamedRow(FeatureExtractor(task), def.safe);
  EXPECT_EQ(row.count("loop.tasks"), 0u);
  EXPECT_EQ(row.count("loop.trips_m"), 1u);
}

TEST(Features, WhatATaskLacksIsAbsent) {
  Device bare = TestDevice();
  bare.caches.resize(1);
  const Task task = GemmTask({100, 90, 256}, bare);
  const FeatureExtractor features(task);
  for (const std::string& name : features.names()) {
    EXPECT_EQ(name.find("cache2"), std::string::npos) << name;
    EXPECT_EQ(name.find("knob.grain"), std::string::npos) << name;
    EXPECT_EQ(name.find("queries"), std::string::npos) << name;
  }
}

TEST(Features, KnobsWithoutAnOperatorStillCount) {
  SpaceDefinition def;
  def.knobs = {Knob::Sizes("x", {1, 2, 4}), Knob::Choice("form", {"a", "b"})};
  def.safe = {0, 0};
  const Task task{Workload{"none", {3, 8}, "f32", {}}, TestDevice(), nullptr, ScheduleSpace(def)};
  const auto row = NamedRow(FeatureExtractor(task), {2, 1});
  EXPECT_FLOAT_EQ(row.at("dim.dim1.log2"), 3);
  EXPECT_FLOAT_EQ(row.at("knob.x.position"), 1);
  EXPECT_FLOAT_EQ(row.at("knob.form=b"), 1);
}

TEST(Features, MatrixIsTheRows) {
  const Task task = GemmTask({64, 64, 64});
  const FeatureExtractor features(task);
  std::mt19937_64 rng(3);
  std::vector<Config> configs;
  for (int i = 0; i < 700; i++) configs.push_back(*task.space.Random(rng));
  const FeatureMatrix matrix = features.Matrix(configs);
  ASSERT_EQ(matrix.rows(), configs.size());
  std::vector<float> row(features.columns());
  for (size_t r = 0; r < configs.size(); r++) {
    features.Row(configs[r], row.data());
    ASSERT_TRUE(std::equal(row.begin(), row.end(), matrix.values.begin() + r * matrix.columns));
  }
  EXPECT_EQ(features.Matrix({}).rows(), 0u);
}

}  // namespace
}  // namespace halyard
