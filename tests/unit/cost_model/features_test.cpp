// The schema: what applies is finite, what does not is missing, what fails is counted.

#include "cost_model/features.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tests/unit/cost_model/feature_row.h"
#include "tests/unit/cost_model/feature_tasks.h"

namespace halyard {
namespace {

TEST(FeatureColumns, NamesAreUniqueAndExplained) {
  std::set<std::string_view> names;
  for (const FeatureColumn& column : kFeatureColumns) {
    EXPECT_TRUE(names.insert(column.name).second) << column.name;
    EXPECT_FALSE(column.meaning.empty()) << column.name;
  }
}

TEST(FeatureColumns, TheHashIsOfVersionAndNames) {
  // A new value without a new kFeatureVersion would let a model read columns that moved.
  EXPECT_EQ(kFeatureVersion, 2);
  EXPECT_NE(FeatureSchemaHash(), 0u);
  EXPECT_EQ(FeatureSchemaHash(), FeatureSchemaHash());
}

Device SmallCache() {
  Device device = TestDevice();
  device.id = "one_level";
  device.caches.resize(1);
  device.cores = 1;
  return device;
}

std::vector<Device> Devices() {
  return {TestDevice(), SmallCache(), LoadDevice("host").value(), LoadDevice("rpi4").value()};
}

class EveryOperator : public testing::TestWithParam<const char*> {};

// Columns that every config of an operator has, by the operator's form alone.
bool Expected(std::string_view column, const Task& task, bool level2, bool level3) {
  if (column.starts_with("other.")) return false;
  if (column.find("cache2") != std::string::npos && !level2) return false;
  if (column.find("cache3") != std::string::npos && !level3) return false;
  const std::string& op = task.workload.op;
  const bool product = op == "gemm" || op == "batch_gemm" || op == "conv2d";
  for (const char* own :
       {"product.", "nest.", "traffic.", "panel.", "conflict.", "stride.", "pack."}) {
    if (column.starts_with(own)) return product;
  }
  if (column.starts_with("waste.m.") || column.starts_with("waste.n.")) return product;
  for (const char* of_attention : {"attention.", "waste.queries", "waste.keys", "waste.depth"}) {
    if (column.starts_with(of_attention)) return op == "attention";
  }
  if (column.starts_with("rows.")) return op == "softmax";
  if (column.starts_with("conv.") || column.starts_with("winograd.")) return op == "conv2d";
  return true;
}

TEST_P(EveryOperator, AColumnIsFiniteOrDoesNotApply) {
  const absl::StatusOr<Workload> workload = ParseWorkload(GetParam());
  ASSERT_TRUE(workload.ok()) << workload.status();
  for (const Device& device : Devices()) {
    const Task task = MakeTask(*workload, device);
    const FeatureExtractor features(task);
    std::mt19937_64 rng(1);
    std::vector<Config> configs = {task.space.safe()};
    while (configs.size() < 300) configs.push_back(task.space.Random(rng).value());
    for (const Config& config : configs) {
      const auto row = NamedRow(features, config);
      const bool blocked = std::isfinite(row.at("product.tile_m"));
      for (const auto& [name, value] : row) {
        const std::string where = name + " of " + task.space.ToText(config) + " on " + device.id;
        EXPECT_FALSE(std::isinf(value)) << where;
        const bool of_a_form = name.starts_with("winograd.") || name == "conv.input" ||
                               name == "conv.rows" || name == "conv.halo" ||
                               name.starts_with("product.tile_") ||
                               name.starts_with("product.k_") || name == "product.pack_a";
        const bool expected =
            Expected(name, task, device.caches.size() > 1, device.caches.size() > 2);
        if (!of_a_form) {
          EXPECT_EQ(std::isfinite(value), expected) << where;
        }
        if (!expected) {
          EXPECT_TRUE(std::isnan(value)) << where;
        }
      }
      if (task.workload.op != "conv2d") continue;
      // One of the forms, and only its columns.
      const float form = row.at("conv.form");
      EXPECT_EQ(blocked, form == 1);
      EXPECT_EQ(std::isfinite(row.at("conv.input")), form == 0);
      EXPECT_EQ(std::isfinite(row.at("winograd.tile")), form == 2);
    }
    for (const FeatureError& e : features.errors()) {
      ADD_FAILURE() << e.what << ": " << e.rows << " rows of " << task.key();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, EveryOperator,
    testing::Values("gemm:100x90x256:f32", "gemm:1x1x1:f32", "gemm:1x1024x1024,packed=1:f32",
                    "gemm:512x512x512,bias=1,act=gelu:f32", "gemm:2048x1x2048:f32",
                    "batch_gemm:12x128x128x64:f32", "conv2d:1x14x14x32x48x3x3,pad=1:f32",
                    "conv2d:2x14x14x32x48x3x3,pad=1,packed=1,bias=1:f32",
                    "conv2d:1x9x9x32x32x3x3,groups=32:f32", "conv2d:1x9x9x32x64x3x3,groups=4:f32",
                    "conv2d:1x28x28x64x96x1x1:f32", "conv2d:1x20x24x3x32x7x7,stride=2,pad=3:f32",
                    "softmax:37x1000:f32", "softmax:1x1:f32", "softmax:8x262144:f32",
                    "attention:2x50x40:f32", "attention:1x40x70x8,causal=1:f32",
                    "attention:16x256x160:f32"));

TEST(FeatureErrors, AKnobThatIsNotKnownIsCountedAndKept) {
  SpaceDefinition def;
  def.knobs = {Knob::Sizes("x", {1, 2, 4}), Knob::Choice("y", {"a", "b"})};
  def.safe = {0, 0};
  const Task task{Workload{"none", {3, 8}, "f32", {}}, TestDevice(), nullptr, ScheduleSpace(def)};
  const FeatureExtractor features(task);
  EXPECT_TRUE(features.errors().empty());
  const auto row = NamedRow(features, {2, 0});
  // The search can still tell its values apart.
  EXPECT_FLOAT_EQ(row.at("other.knob1"), 1);
  EXPECT_FLOAT_EQ(row.at("other.knob2"), 0);
  EXPECT_TRUE(std::isnan(row.at("other.knob3")));
  EXPECT_TRUE(std::isnan(row.at("time.total/roof")));
  EXPECT_FLOAT_EQ(row.at("device.cores"), 4);
  NamedRow(features, {1, 1});
  const std::vector<FeatureError> errors = features.errors();
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0].what, "knob x");
  EXPECT_EQ(errors[0].rows, 2);
}

TEST(FeatureErrors, AColumnThatAppliesAndCannotBeComputedIsCounted) {
  Task task = GemmTask({100, 90, 256});
  SpaceDefinition def;
  def.knobs = task.space.knobs();
  for (Knob& knob : def.knobs) {
    if (knob.name == "parallel") knob.labels.back() = "diagonal";
  }
  def.safe.assign(def.knobs.size(), 0);
  task.space = ScheduleSpace(def);
  const FeatureExtractor features(task);
  Config config = def.safe;
  EXPECT_FLOAT_EQ(NamedRow(features, config).at("product.parallel"), 0);
  for (size_t k = 0; k < def.knobs.size(); k++) {
    if (def.knobs[k].name == "parallel") config[k] = 2;
  }
  EXPECT_TRUE(std::isnan(NamedRow(features, config).at("product.parallel")));
  std::set<std::string> counted;
  for (const FeatureError& e : features.errors()) counted.insert(e.what);
  EXPECT_EQ(counted.count("product.parallel"), 1u);
  EXPECT_EQ(counted.count("knob parallel"), 1u);
}

TEST(FeatureErrors, AMissingKnobIsCountedNotZero) {
  Task task = GemmTask({100, 90, 256});
  SpaceDefinition def;
  for (const Knob& knob : task.space.knobs()) {
    if (knob.name != "reg_n") def.knobs.push_back(knob);
  }
  def.safe.assign(def.knobs.size(), 0);
  task.space = ScheduleSpace(def);
  const FeatureExtractor features(task);
  EXPECT_TRUE(std::isnan(NamedRow(features, def.safe).at("product.reg_n")));
  bool counted = false;
  for (const FeatureError& e : features.errors()) counted = counted || e.what == "product.reg_n";
  EXPECT_TRUE(counted);
}

TEST(Features, MatrixIsTheRows) {
  const Task task = GemmTask({64, 64, 64});
  const FeatureExtractor features(task);
  std::mt19937_64 rng(3);
  std::vector<Config> configs;
  for (int i = 0; i < 700; i++) configs.push_back(*task.space.Random(rng));
  const FeatureMatrix matrix = features.Matrix(configs);
  ASSERT_EQ(matrix.rows(), configs.size());
  std::vector<float> row(FeatureExtractor::columns());
  for (size_t r = 0; r < configs.size(); r++) {
    features.Row(configs[r], row.data());
    for (size_t c = 0; c < row.size(); c++) {
      const float in_matrix = matrix.values[r * matrix.columns + c];
      ASSERT_TRUE(row[c] == in_matrix || (std::isnan(row[c]) && std::isnan(in_matrix)));
    }
  }
}

// A twin with its operand laid out ahead differs in what that changes, not in what the nest is.
TEST(Features, ScaleFreeWhereTheShapeIsNot) {
  const Task small = GemmTask({256, 256, 256}), large = GemmTask({1024, 1024, 256});
  auto same = [](const Task& task) {
    return NamedRow(task, With(task, {{"vec", "8"}, {"reg_m", "4"}, {"reg_n", "2"}}));
  };
  const auto a = same(small), b = same(large);
  for (const char* column : {"micro.efficiency", "micro.registers", "waste.total", "micro.depth"}) {
    EXPECT_FLOAT_EQ(a.at(column), b.at(column)) << column;
  }
  EXPECT_NEAR(a.at("time.compute/roof"), b.at("time.compute/roof"), 0.35);
}

}  // namespace
}  // namespace halyard
