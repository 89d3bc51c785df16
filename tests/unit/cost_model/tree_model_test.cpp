#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <thread>

#include "cost_model/base_model.h"
#include "cost_model/cost_model.h"
#include "cost_model/ranking_metrics.h"
#include "cost_model/tree_training.h"
#include "targets/counter_rng.h"

namespace halyard {
namespace {

constexpr size_t kColumns = 12;

// Throughput with an optimum inside the range, an interaction and columns that do not matter.
float Truth(const float* x) {
  const float distance =
      (x[0] - 0.3f) * (x[0] - 0.3f) + 0.5f * std::fabs(x[1] - x[2]) + 0.3f * std::fabs(x[3] * x[4]);
  return 1.0f / (1.0f + 2.0f * distance);
}

Dataset Synthetic(uint64_t seed, std::vector<unsigned> groups) {
  Dataset data;
  data.features.columns = kColumns;
  data.group_sizes = groups;
  for (uint64_t g = 0; g < groups.size(); g++) {
    for (uint64_t r = 0; r < groups[g]; r++) {
      float row[kColumns];
      for (size_t c = 0; c < kColumns; c++) {
        row[c] = CounterUniform(seed + g, 0, r * kColumns + c);
      }
      data.features.values.insert(data.features.values.end(), row, row + kColumns);
      data.labels.push_back(Truth(row));
    }
  }
  return data;
}

TEST(TreeModel, PredictsZerosBeforeTheFirstFit) {
  const auto model = MakeTreeModel(1);
  EXPECT_FALSE(model->fitted());
  EXPECT_EQ(model->Predict(Synthetic(1, {3}).features), std::vector<float>(3, 0.0f));
}

TEST(TreeModel, RanksRowsItHasNotSeen) {
  const auto model = MakeTreeModel(1);
  ASSERT_TRUE(model->Fit(Synthetic(1, {400, 300})).ok());
  EXPECT_TRUE(model->fitted());
  const Dataset held_out = Synthetic(77, {500});
  const std::vector<float> predicted = model->Predict(held_out.features);
  EXPECT_GT(SpearmanCorrelation(predicted, held_out.labels), 0.9);
  EXPECT_GT(PairwiseAccuracy(predicted, held_out.labels), 0.85);
}

TEST(TreeModel, SameSeedSamePredictionsOnAnyNumberOfThreads) {
  const int threads = omp_get_max_threads();
  const Dataset data = Synthetic(1, {100, 150, 50});
  const FeatureMatrix asked = Synthetic(2, {200}).features;
  omp_set_num_threads(1);
  const auto one = MakeTreeModel(5);
  ASSERT_TRUE(one->Fit(data).ok());
  const std::vector<float> expected = one->Predict(asked);
  omp_set_num_threads(2);
  const auto two = MakeTreeModel(5);
  ASSERT_TRUE(two->Fit(data).ok());
  EXPECT_EQ(two->Predict(asked), expected);
  omp_set_num_threads(threads);
}

TEST(TreeModel, PredictsSideBySide) {
  const auto model = MakeTreeModel(1);
  ASSERT_TRUE(model->Fit(Synthetic(1, {200})).ok());
  const FeatureMatrix a = Synthetic(2, {3000}).features, b = Synthetic(3, {2000}).features;
  const std::vector<float> want_a = model->Predict(a), want_b = model->Predict(b);
  bool same_a = true, same_b = true;
  std::thread other([&] {
    for (int i = 0; i < 20; i++) same_a = same_a && model->Predict(a) == want_a;
  });
  for (int i = 0; i < 20; i++) same_b = same_b && model->Predict(b) == want_b;
  other.join();
  EXPECT_TRUE(same_a);
  EXPECT_TRUE(same_b);
}

TEST(TreeModel, FitReplacesTheModel) {
  const auto model = MakeTreeModel(1);
  Dataset data = Synthetic(1, {200});
  ASSERT_TRUE(model->Fit(data).ok());
  for (float& label : data.labels) label = 1 - label;
  ASSERT_TRUE(model->Fit(data).ok());
  EXPECT_GT(SpearmanCorrelation(model->Predict(data.features), data.labels), 0.9);
}

TEST(TreeModel, ConstantLabelsOrFeaturesRankNothing) {
  Dataset data = Synthetic(1, {50});
  const auto model = MakeTreeModel(1);
  data.labels.assign(50, 0.0f);
  ASSERT_TRUE(model->Fit(data).ok());
  EXPECT_EQ(SpearmanCorrelation(model->Predict(data.features), Synthetic(1, {50}).labels), 0);
  data = Synthetic(1, {50});
  data.features.values.assign(data.features.values.size(), 2.5f);
  ASSERT_TRUE(model->Fit(data).ok());
  EXPECT_EQ(SpearmanCorrelation(model->Predict(data.features), data.labels), 0);
  data = Synthetic(1, {1});
  EXPECT_TRUE(model->Fit(data).ok());
}

TEST(TreeModel, TreatsNanAsMissing) {
  Dataset data = Synthetic(1, {200});
  for (size_t i = kColumns - 1; i < data.features.values.size(); i += kColumns) {
    data.features.values[i] = std::numeric_limits<float>::quiet_NaN();
  }
  const auto model = MakeTreeModel(1);
  ASSERT_TRUE(model->Fit(data).ok());
  EXPECT_GT(SpearmanCorrelation(model->Predict(data.features), data.labels), 0.9);
}

TEST(TreeModel, MalformedDatasetsAreRefusedAndTheOldModelStays) {
  const auto model = MakeTreeModel(1);
  const Dataset good = Synthetic(1, {100});
  ASSERT_TRUE(model->Fit(good).ok());
  const std::vector<float> before = model->Predict(good.features);

  EXPECT_EQ(model->Fit({}).code(), absl::StatusCode::kInvalidArgument);
  Dataset bad = good;
  bad.labels.pop_back();
  EXPECT_EQ(model->Fit(bad).code(), absl::StatusCode::kInvalidArgument);
  bad = good;
  bad.features.values.pop_back();
  EXPECT_EQ(model->Fit(bad).code(), absl::StatusCode::kInvalidArgument);
  bad = good;
  bad.group_sizes = {60};
  EXPECT_EQ(model->Fit(bad).code(), absl::StatusCode::kInvalidArgument);
  bad = good;
  bad.labels[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(model->Fit(bad).code(), absl::StatusCode::kInvalidArgument);
  bad = good;
  bad.features.values[3] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(model->Fit(bad).code(), absl::StatusCode::kInvalidArgument);
  bad = good;
  bad.weights.assign(99, 1.0f);
  EXPECT_EQ(model->Fit(bad).code(), absl::StatusCode::kInvalidArgument);
  bad.weights.assign(100, 0.0f);
  EXPECT_EQ(model->Fit(bad).code(), absl::StatusCode::kInvalidArgument);

  EXPECT_EQ(model->Predict(good.features), before);
  FeatureMatrix narrow = good.features;
  narrow.columns = kColumns / 2;
  EXPECT_THROW(model->Predict(narrow), std::invalid_argument);
  EXPECT_TRUE(model->Predict({kColumns, {}}).empty());
}

std::shared_ptr<const BaseModel> BaseOf(const Dataset& data) {
  auto base = std::make_shared<BaseModel>();
  base->trees = TrainTrees(data, {}).value();
  return base;
}

TEST(TreeModel, RanksFromTheBaseModelBeforeTheFirstFit) {
  const auto model = MakeTreeModel(1, BaseOf(Synthetic(1, {400, 300, 300})));
  EXPECT_TRUE(model->fitted());
  const Dataset unseen = Synthetic(77, {500});
  EXPECT_GT(SpearmanCorrelation(model->Predict(unseen.features), unseen.labels), 0.85);
}

// A task that differs from those of the base model in what a column does.
TEST(TreeModel, AFewMeasurementsCorrectTheBaseModel) {
  auto shifted = [](uint64_t seed, unsigned rows) {
    Dataset data = Synthetic(seed, {rows});
    for (size_t r = 0; r < rows; r++) {
      data.labels[r] *= 0.6f - 0.4f * data.features.values[r * kColumns + 7];
    }
    return data;
  };
  const auto model = MakeTreeModel(1, BaseOf(Synthetic(1, {400, 300, 300})));
  const Dataset unseen = shifted(77, 500);
  const double before = SpearmanCorrelation(model->Predict(unseen.features), unseen.labels);
  ASSERT_TRUE(model->Fit(shifted(5, 60)).ok());
  const double after = SpearmanCorrelation(model->Predict(unseen.features), unseen.labels);
  EXPECT_GT(after, before + 0.1);
  const auto scratch = MakeTreeModel(1);
  ASSERT_TRUE(scratch->Fit(shifted(5, 60)).ok());
  EXPECT_GT(after, SpearmanCorrelation(scratch->Predict(unseen.features), unseen.labels));
}

TEST(TreeModel, OtherColumnsThanTheBaseModelsAreRefused) {
  const auto model = MakeTreeModel(1, BaseOf(Synthetic(1, {400})));
  Dataset narrow;
  narrow.features = {2, {1, 2, 3, 4}};
  narrow.labels = {1, 0.5f};
  narrow.group_sizes = {2};
  EXPECT_EQ(model->Fit(narrow).code(), absl::StatusCode::kInvalidArgument);
}

TEST(TreeModel, SpreadIsHowFarTheMembersDisagree) {
  const Dataset data = Synthetic(1, {400});
  const auto model = MakeTreeModel(1);
  ASSERT_TRUE(model->Fit(data).ok());
  std::vector<float> spread;
  const std::vector<float> mean = model->Predict(data.features, &spread);
  ASSERT_EQ(spread.size(), mean.size());
  for (const float s : spread) EXPECT_GE(s, 0);
  EXPECT_GT(*std::max_element(spread.begin(), spread.end()), 0);
}

TEST(TreeModel, ALongSearchAdaptsToWhatTellsMost) {
  const auto model = MakeTreeModel(1, BaseOf(Synthetic(1, {400, 300, 300})));
  const Dataset many = Synthetic(5, {900});
  ASSERT_TRUE(model->Fit(many).ok());
  EXPECT_GT(SpearmanCorrelation(model->Predict(many.features), many.labels), 0.9);
}

// One row in five is doubtful and slow by chance.
TEST(TrainTrees, DoubtfulRowsThatAreSlowByChanceAreDisbelieved) {
  Dataset data = Synthetic(1, {500});
  const std::vector<float> truth = data.labels;
  data.weights.assign(500, 1.0f);
  for (size_t i = 0; i < 500; i += 5) {
    data.labels[i] *= 0.3f;
    data.weights[i] = 0.5f;
  }
  TreeOptions options;
  options.smallest_leaf = 5;
  auto spearman = [&](int passes) {
    options.doubting_passes = passes;
    const TreeEnsemble trees = TrainTrees(data, options).value();
    return SpearmanCorrelation(trees.Predict(data.features), truth);
  };
  EXPECT_GT(spearman(2), spearman(0) + 0.01);
}

TEST(TrainTrees, TheLevelOfATaskIsNotLearned) {
  Dataset data = Synthetic(1, {200, 200});
  // The second task's labels are all lower, and a column tells the tasks apart.
  for (size_t r = 0; r < 400; r++) {
    data.features.values[r * kColumns + 9] = r < 200 ? 0.0f : 1.0f;
    if (r >= 200) data.labels[r] *= 0.3f;
  }
  const TreeEnsemble trees = TrainTrees(data, {}).value();
  const std::vector<float> p = trees.Predict(data.features);
  const double first = std::accumulate(p.begin(), p.begin() + 200, 0.0) / 200;
  const double second = std::accumulate(p.begin() + 200, p.end(), 0.0) / 200;
  EXPECT_NEAR(first, second, 0.02);
}

}  // namespace
}  // namespace halyard
