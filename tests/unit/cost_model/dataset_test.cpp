#include "cost_model/dataset.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/unit/cost_model/feature_tasks.h"

namespace halyard {
namespace {

size_t Column(const FeatureExtractor& features, const std::string& name) {
  const auto it = std::find(features.names().begin(), features.names().end(), name);
  return static_cast<size_t>(it - features.names().begin());
}

TEST(RelativeThroughput, BestOverValueAndZeroForFailures) {
  const std::vector<Measurement> measured = {
      {{}, true, 200.0}, {{}, false, 0.0}, {{}, true, 100.0}, {{}, true, 400.0}};
  EXPECT_EQ(RelativeThroughput(measured), (std::vector<float>{0.5f, 0.0f, 1.0f, 0.25f}));
}

TEST(RelativeThroughput, NothingWorked) {
  const std::vector<Measurement> measured = {{{}, false, 0.0}, {{}, false, 7.0}};
  EXPECT_EQ(RelativeThroughput(measured), (std::vector<float>{0.0f, 0.0f}));
}

TEST(BuildDataset, OneGroupATaskColumnsByName) {
  Device small = TestDevice();
  small.caches.resize(1);
  const Task wide = GemmTask({64, 64, 128}), narrow = GemmTask({64, 64, 256}, small);
  const FeatureExtractor schema(wide);
  const std::vector<MeasuredTask> measured = {
      {&narrow, {{narrow.space.safe(), true, 10.0}, {narrow.space.safe(), true, 20.0}}},
      {&wide, {}},
      {&wide, {{wide.space.safe(), true, 3.0}}}};
  const Dataset data = BuildDataset(schema, measured);
  EXPECT_EQ(data.group_sizes, (std::vector<unsigned>{2, 1}));
  EXPECT_EQ(data.labels, (std::vector<float>{1.0f, 0.5f, 1.0f}));
  ASSERT_EQ(data.features.columns, schema.columns());
  ASSERT_EQ(data.features.rows(), 3u);

  auto at = [&](size_t row, const std::string& name) {
    return data.features.values[row * data.features.columns + Column(schema, name)];
  };
  EXPECT_FLOAT_EQ(at(0, "dim.k.log2"), 8);
  EXPECT_FLOAT_EQ(at(2, "dim.k.log2"), 7);
  // The other device has no second cache: missing, not zero.
  EXPECT_TRUE(std::isnan(at(0, "device.cache2.log2_bytes")));
  EXPECT_FLOAT_EQ(at(2, "device.cache2.log2_bytes"), 20);
}

TEST(BuildDataset, NoMeasurementsNoRows) {
  const Task task = GemmTask({64, 64, 128});
  const Dataset data = BuildDataset(FeatureExtractor(task), {});
  EXPECT_EQ(data.features.rows(), 0u);
  EXPECT_TRUE(data.group_sizes.empty());
}

}  // namespace
}  // namespace halyard
