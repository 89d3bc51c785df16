#include "cost_model/leaf_kernel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "cost_model/ranking_metrics.h"
#include "cost_model/tree_training.h"
#include "targets/counter_rng.h"

namespace halyard {
namespace {

constexpr size_t kColumns = 6;

FeatureMatrix Rows(size_t count, uint64_t seed) {
  FeatureMatrix rows{kColumns, {}};
  for (uint64_t i = 0; i < count * kColumns; i++) {
    const float value = CounterUniform(seed, 0, i);
    rows.values.push_back(i % 17 == 3 ? std::nanf("") : value);
  }
  return rows;
}

// What the base model learns, and how the task at hand differs from it.
float Base(const float* row) { return std::isnan(row[0]) ? 0.2f : 0.4f + 0.2f * row[0]; }
float Different(const float* row) { return Base(row) + (row[1] > 0 ? 0.15f : -0.15f); }

std::vector<float> Values(const FeatureMatrix& rows, float (*function)(const float*)) {
  std::vector<float> values;
  for (size_t i = 0; i < rows.rows(); i++) {
    values.push_back(function(rows.values.data() + i * rows.columns));
  }
  return values;
}

TreeEnsemble Trained() {
  Dataset data;
  data.features = Rows(600, 1);
  data.labels = Values(data.features, [](const float* row) {
    // A little of what differs, so that trees split on it.
    return 0.8f * Base(row) + 0.2f * Different(row);
  });
  data.group_sizes = {600};
  TreeOptions options;
  options.rounds = 40;
  return TrainTrees(data, options).value();
}

float Mean(const std::vector<float>& v) {
  return std::accumulate(v.begin(), v.end(), 0.0f) / static_cast<float>(v.size());
}

TEST(AdaptLeaves, AFewMeasurementsTeachWhatIsDifferent) {
  const TreeEnsemble base = Trained();
  const FeatureMatrix shown = Rows(24, 2), others = Rows(400, 3);
  const std::vector<float> truth = Values(others, Different);
  const TreeEnsemble adapted = AdaptLeaves(base, shown, Values(shown, Different), {});
  const double before = SpearmanCorrelation(base.Predict(others), truth);
  const double after = SpearmanCorrelation(adapted.Predict(others), truth);
  EXPECT_GT(after, before + 0.1);
  // Nothing to learn from changes nothing.
  EXPECT_EQ(AdaptLeaves(base, {kColumns, {}}, {}, {}).Predict(others), base.Predict(others));
}

TEST(AdaptLeaves, OnlyDifferencesOfTheTargetsCount) {
  const TreeEnsemble base = Trained();
  const FeatureMatrix shown = Rows(20, 4), others = Rows(50, 5);
  std::vector<float> targets = Values(shown, Different);
  const std::vector<float> once = AdaptLeaves(base, shown, targets, {}).Predict(others);
  for (float& t : targets) t += 3;
  const std::vector<float> shifted = AdaptLeaves(base, shown, targets, {}).Predict(others);
  for (size_t i = 0; i < once.size(); i++) EXPECT_NEAR(once[i], shifted[i], 1e-4);
  // A base model that is right but for the level is left alone.
  std::vector<float> right = base.Predict(shown);
  for (float& t : right) t -= 7;
  const std::vector<float> same = AdaptLeaves(base, shown, right, {}).Predict(others);
  const std::vector<float> untouched = base.Predict(others);
  for (size_t i = 0; i < same.size(); i++) EXPECT_NEAR(same[i], untouched[i], 0.03);
}

TEST(AdaptLeaves, MembersAgreeWhereTheyWereTaught) {
  const TreeEnsemble base = Trained();
  const FeatureMatrix shown = Rows(60, 6), elsewhere = Rows(200, 7);
  const std::vector<float> targets = Values(shown, Different);
  const TreeEnsemble adapted = AdaptLeaves(base, shown, targets, {});
  std::vector<float> there, away;
  adapted.Predict(shown, &there);
  adapted.Predict(elsewhere, &away);
  EXPECT_LT(Mean(there), Mean(away));
}

TEST(AdaptLeaves, DoubtfulTargetsPullLess) {
  const TreeEnsemble base = Trained();
  FeatureMatrix shown = Rows(20, 8);
  std::vector<float> targets = base.Predict(shown);
  targets[0] += 1;
  const FeatureMatrix first{kColumns, {shown.values.begin(), shown.values.begin() + kColumns}};
  std::vector<float> weights(20, 1.0f);
  const float believed = AdaptLeaves(base, shown, targets, weights).Predict(first)[0];
  weights[0] = 0.05f;
  const float doubted = AdaptLeaves(base, shown, targets, weights).Predict(first)[0];
  EXPECT_GT(believed, doubted);
}

// Leaves, members and predictions tell the same story, missing values included.
TEST(TreeEnsemble, LeavesAndMembersAddUpToThePrediction) {
  const TreeEnsemble trees = Trained();
  const FeatureMatrix rows = Rows(100, 9);
  std::vector<float> sum(rows.rows(), 0.0f);
  for (size_t m = 0; m < trees.members(); m++) {
    const std::vector<float> of = trees.PredictMember(m, rows);
    for (size_t i = 0; i < sum.size(); i++) sum[i] += of[i];
  }
  const std::vector<float> mean = trees.Predict(rows);
  for (size_t i = 0; i < sum.size(); i++) {
    EXPECT_NEAR(sum[i] / static_cast<float>(trees.members()), mean[i], 1e-5);
  }
  TreeEnsemble raised = trees;
  const std::vector<uint16_t> leaves = trees.Leaves(0, rows);
  raised.AddToLeaf(0, 0, leaves[0], static_cast<float>(trees.members()));
  const std::vector<float> after = raised.Predict(rows);
  for (size_t i = 0; i < rows.rows(); i++) {
    EXPECT_NEAR(after[i] - mean[i], leaves[i] == leaves[0] ? 1.0f : 0.0f, 1e-4);
  }
}

}  // namespace
}  // namespace halyard
