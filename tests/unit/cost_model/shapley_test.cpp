#include "cost_model/shapley.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "cost_model/base_model.h"
#include "cost_model/tree_training.h"
#include "targets/counter_rng.h"

namespace halyard {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

// Values on a coarse grid, so that rows often agree, one in six of them missing.
FeatureMatrix Rows(uint64_t seed, size_t rows, size_t columns) {
  FeatureMatrix matrix{columns, std::vector<float>(rows * columns)};
  for (size_t i = 0; i < matrix.values.size(); i++) {
    matrix.values[i] = std::round(4 * CounterUniform(seed, 0, i));
    if (CounterUniform(seed, 1, i) > 2.0f / 3) matrix.values[i] = kMissing;
  }
  return matrix;
}

// Labels in which columns act together and a missing value says something.
TreeEnsemble Trees(uint64_t seed, size_t columns, int depth, int members) {
  Dataset data;
  data.features = Rows(seed, 300, columns);
  for (size_t r = 0; r < 300; r++) {
    float sum = 0;
    for (size_t c = 0; c < columns; c++) {
      const float a = data.features.values[r * columns + c];
      const float b = data.features.values[r * columns + (c + 1) % columns];
      sum +=
          std::isnan(a) ? 1.5f : std::sin(a * static_cast<float>(c + 1)) * (std::isnan(b) ? 2 : b);
    }
    data.labels.push_back(0.5f + 0.5f * std::tanh(0.3f * sum));
  }
  data.group_sizes = {300};
  TreeOptions options;
  options.members = members;
  options.depth = depth;
  options.rounds = 20;
  options.smallest_leaf = 1;
  options.columns = 1;
  options.seed = seed;
  return TrainTrees(data, options).value();
}

double Predicted(const TreeEnsemble& trees, const std::vector<float>& row) {
  return static_cast<double>(trees.Predict({row.size(), row}).front());
}

double MeanPredicted(const TreeEnsemble& trees, const FeatureMatrix& rows) {
  double sum = 0;
  for (size_t r = 0; r < rows.rows(); r++) {
    const auto begin = rows.values.begin() + static_cast<std::ptrdiff_t>(r * rows.columns);
    sum += Predicted(trees, {begin, begin + static_cast<std::ptrdiff_t>(rows.columns)});
  }
  return sum / static_cast<double>(rows.rows());
}

// The definition: over all coalitions, what a feature adds to the mean over the background.
std::vector<double> ByDefinition(const TreeEnsemble& trees, const std::vector<float>& row,
                                 const FeatureMatrix& background) {
  const size_t n = row.size();
  std::vector<double> worth;
  for (size_t coalition = 0; coalition < size_t{1} << n; coalition++) {
    FeatureMatrix mixed = background;
    for (size_t i = 0; i < mixed.values.size(); i++) {
      if ((coalition >> (i % n) & 1) != 0) mixed.values[i] = row[i % n];
    }
    worth.push_back(MeanPredicted(trees, mixed));
  }
  std::vector<double> values(n, 0.0);
  for (size_t coalition = 0; coalition < worth.size(); coalition++) {
    const auto size = static_cast<double>(std::popcount(coalition));
    // size! (n - size - 1)! / n!
    const double weight =
        std::exp(std::lgamma(size + 1) + std::lgamma(static_cast<double>(n) - size) -
                 std::lgamma(static_cast<double>(n) + 1));
    for (size_t c = 0; c < n; c++) {
      const size_t with = coalition | size_t{1} << c;
      if (with != coalition) values[c] += weight * (worth[with] - worth[coalition]);
    }
  }
  return values;
}

class Shapley : public testing::TestWithParam<std::tuple<size_t, int>> {};

TEST_P(Shapley, EqualsTheDefinition) {
  const auto [columns, depth] = GetParam();
  double largest = 0;
  for (const uint64_t seed : {1, 2, 3}) {
    const TreeEnsemble trees = Trees(seed, columns, depth, 2);
    const FeatureMatrix background = Rows(seed + 50, 5, columns),
                        asked = Rows(seed + 70, 4, columns);
    for (size_t r = 0; r < asked.rows(); r++) {
      const std::vector<float> row(&asked.values[r * columns],
                                   &asked.values[r * columns] + columns);
      const std::vector<double> values = ShapleyValues(trees, row, background);
      const std::vector<double> wanted = ByDefinition(trees, row, background);
      for (size_t c = 0; c < columns; c++) {
        EXPECT_NEAR(values[c], wanted[c], 1e-5) << "column " << c << " of row " << r;
        largest = std::max(largest, std::fabs(values[c]));
      }
    }
  }
  EXPECT_GT(largest, 0.01) << "there was nothing to compare";
}
// Paths longer than the features ask for one of them again; shorter ones leave some out.
INSTANTIATE_TEST_SUITE_P(ColumnsAndDepths, Shapley,
                         testing::Combine(testing::Values(1, 3, 6), testing::Values(1, 4, 8)));

TEST(ShapleyValues, AddUpToThePredictionOverTheBackgroundsMean) {
  const size_t columns = 40;
  const TreeEnsemble trees = Trees(1, columns, 10, 3);
  const FeatureMatrix background = Rows(5, 64, columns), asked = Rows(6, 30, columns);
  const double mean = MeanPredicted(trees, background);
  for (size_t r = 0; r < asked.rows(); r++) {
    const std::vector<float> row(&asked.values[r * columns], &asked.values[r * columns] + columns);
    const std::vector<double> values = ShapleyValues(trees, row, background);
    const double sum = std::accumulate(values.begin(), values.end(), 0.0);
    EXPECT_NEAR(sum, Predicted(trees, row) - mean, 1e-5);
  }
}

TEST(ShapleyValues, MissingValuesCountAsTheyBranch) {
  const TreeEnsemble trees = Trees(4, 2, 4, 1);
  const std::vector<float> row = {1, kMissing};
  // Where both rows miss a value it explains nothing, where one does it may.
  const std::vector<double> both = ShapleyValues(trees, row, {2, {-2, kMissing}});
  EXPECT_EQ(both[1], 0);
  EXPECT_NE(both[0], 0);
  const std::vector<double> only = ShapleyValues(trees, row, {2, {1, 2}});
  EXPECT_EQ(only[0], 0);
  EXPECT_NEAR(only[1], Predicted(trees, row) - Predicted(trees, {1, 2}), 1e-6);
  EXPECT_NE(only[1], 0);
}

TEST(ShapleyValues, OfARowAgainstItselfAreNothing) {
  const TreeEnsemble trees = Trees(2, 6, 6, 2);
  const FeatureMatrix row = Rows(8, 1, 6);
  EXPECT_EQ(ShapleyValues(trees, row.values, row), std::vector<double>(6, 0.0));
}

TEST(ShapleyValues, WhatDoesNotFitTogetherIsRefused) {
  const TreeEnsemble trees = Trees(1, 3, 3, 1);
  const std::vector<float> row = {1, 2, 3};
  EXPECT_THROW(ShapleyValues(trees, row, {3, {}}), std::invalid_argument);
  EXPECT_THROW(ShapleyValues(trees, row, {2, {1, 2}}), std::invalid_argument);
  const TreeEnsemble empty(3);
  EXPECT_THROW(ShapleyValues(empty, row, {3, {1, 2, 3}}), std::invalid_argument);
}

// The model of a search, before and after it was taught.
TEST(CostModelTrees, PredictWhatTheModelPredicts) {
  auto base = std::make_shared<BaseModel>();
  base->trees = Trees(1, 6, 5, 2);
  const auto model = MakeTreeModel(1, base);
  const FeatureMatrix asked = Rows(7, 20, 6);
  EXPECT_EQ(model->trees(), &base->trees);
  EXPECT_EQ(model->trees()->Predict(asked), model->Predict(asked));
  Dataset data;
  data.features = Rows(3, 40, 6);
  for (size_t r = 0; r < 40; r++) data.labels.push_back(CounterUniform(3, 5, r) * 0.5f + 0.5f);
  data.group_sizes = {40};
  ASSERT_TRUE(model->Fit(data).ok());
  EXPECT_NE(model->trees(), &base->trees);
  EXPECT_EQ(model->trees()->Predict(asked), model->Predict(asked));
  EXPECT_EQ(MakeTreeModel(1)->trees(), nullptr);
}

}  // namespace
}  // namespace halyard
