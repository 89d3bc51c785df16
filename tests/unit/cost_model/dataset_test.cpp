#include "cost_model/dataset.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/cost_model/feature_tasks.h"

namespace halyard {
namespace {

TEST(RelativeThroughput, BestOverValueAndZeroForFailures) {
  const std::vector<Measurement> measured = {
      {{}, true, 200.0}, {{}, false, 0.0}, {{}, true, 100.0}, {{}, true, 400.0}};
  EXPECT_EQ(RelativeThroughput(measured), (std::vector<float>{0.5f, 0.0f, 1.0f, 0.25f}));
}

TEST(RelativeThroughput, NothingWorked) {
  const std::vector<Measurement> measured = {{{}, false, 0.0}, {{}, false, 7.0}};
  EXPECT_EQ(RelativeThroughput(measured), (std::vector<float>{0.0f, 0.0f}));
}

TEST(BuildDataset, OneGroupATaskOneSchema) {
  Device small = TestDevice();
  small.caches.resize(1);
  const Task wide = GemmTask({64, 64, 128}), narrow = TaskOf("softmax:64x100", small);
  Measurement doubtful{narrow.space.safe(), true, 20.0};
  doubtful.weight = kSingleSampleWeight;
  const std::vector<MeasuredTask> measured = {
      {&narrow, {{narrow.space.safe(), true, 10.0}, doubtful}},
      {&wide, {}},
      {&wide, {{wide.space.safe(), true, 3.0}}}};
  const Dataset data = BuildDataset(measured);
  EXPECT_EQ(data.group_sizes, (std::vector<unsigned>{2, 1}));
  EXPECT_EQ(data.labels, (std::vector<float>{1.0f, 0.5f, 1.0f}));
  EXPECT_EQ(data.weights, (std::vector<float>{1.0f, kSingleSampleWeight, 1.0f}));
  ASSERT_EQ(data.features.columns, FeatureExtractor::columns());
  ASSERT_EQ(data.features.rows(), 3u);
  auto at = [&](size_t row, Feature column) {
    return data.features.values[row * data.features.columns + column];
  };
  EXPECT_FLOAT_EQ(at(2, kProductDepth), 7);
  EXPECT_TRUE(std::isnan(at(0, kProductDepth)));
  EXPECT_FLOAT_EQ(at(0, kRowsCount), 6);
  // The other device has no second cache: missing, not zero.
  EXPECT_TRUE(std::isnan(at(0, kTimeLevel2)));
  EXPECT_TRUE(std::isfinite(at(2, kTimeLevel2)));
}

TEST(AppendDataset, RowsWithoutWeightsCountAsOne) {
  Dataset data{{1, {1, 2}}, {1, 0.5f}, {2}, {}};
  AppendDataset({{1, {3}}, {1}, {1}, {0.5f}}, data);
  EXPECT_EQ(data.weights, (std::vector<float>{1, 1, 0.5f}));
  AppendDataset({{1, {4}}, {1}, {1}, {}}, data);
  EXPECT_EQ(data.weights, (std::vector<float>{1, 1, 0.5f, 1}));
  EXPECT_EQ(data.group_sizes, (std::vector<unsigned>{2, 1, 1}));
}

TEST(BuildDataset, NoMeasurementsNoRows) {
  const Dataset data = BuildDataset({});
  EXPECT_EQ(data.features.rows(), 0u);
  EXPECT_TRUE(data.group_sizes.empty());
}

}  // namespace
}  // namespace halyard
