#include "cost_model/ranking_metrics.h"

#include <gtest/gtest.h>

#include <vector>

namespace halyard {
namespace {

using Values = std::vector<float>;

TEST(Spearman, PerfectAndReversed) {
  EXPECT_DOUBLE_EQ(SpearmanCorrelation(Values{1, 5, 9, 20}, Values{0.1f, 0.2f, 0.3f, 0.9f}), 1);
  EXPECT_DOUBLE_EQ(SpearmanCorrelation(Values{4, 3, 2, 1}, Values{0.1f, 0.2f, 0.3f, 0.9f}), -1);
}

TEST(Spearman, WithoutTiesIsTheTextbookFormula) {
  // Ranks 1 2 3 4 5 against 2 1 4 3 5: sum d^2 = 4, 1 - 6 * 4 / (5 * 24) = 0.8.
  EXPECT_NEAR(SpearmanCorrelation(Values{1, 2, 3, 4, 5}, Values{2, 1, 4, 3, 5}), 0.8, 1e-12);
}

TEST(Spearman, TiesShareTheirAverageRank) {
  // Ranks 1 2.5 2.5 4 against 1 2 3 4: Pearson = 4.5 / sqrt(4.5 * 5).
  EXPECT_NEAR(SpearmanCorrelation(Values{1, 2, 2, 3}, Values{1, 2, 3, 4}), 0.9486832980505138,
              1e-12);
}

TEST(Spearman, NothingToSayIsZero) {
  EXPECT_EQ(SpearmanCorrelation(Values{1, 1, 1, 1}, Values{1, 2, 3, 4}), 0);
  EXPECT_EQ(SpearmanCorrelation(Values{1, 2, 3, 4}, Values{7, 7, 7, 7}), 0);
  EXPECT_EQ(SpearmanCorrelation(Values{1, 2}, Values{1, 2}), 0);
  EXPECT_EQ(SpearmanCorrelation(Values{}, Values{}), 0);
}

TEST(PairwiseAccuracy, CountsPairsAndHalvesTies) {
  EXPECT_DOUBLE_EQ(PairwiseAccuracy(Values{1, 2, 3}, Values{1, 2, 3}), 1);
  EXPECT_DOUBLE_EQ(PairwiseAccuracy(Values{3, 2, 1}, Values{1, 2, 3}), 0);
  // Pairs (0,1) right, (0,2) right, (1,2) tied in the prediction.
  EXPECT_DOUBLE_EQ(PairwiseAccuracy(Values{1, 2, 2}, Values{1, 2, 3}), 2.5 / 3);
  // (1,2) measured alike is no pair; (0,1) right, (0,2) wrong.
  EXPECT_DOUBLE_EQ(PairwiseAccuracy(Values{2, 3, 1}, Values{1, 2, 2}), 0.5);
}

TEST(PairwiseAccuracy, WithoutPairsIsChance) {
  EXPECT_EQ(PairwiseAccuracy(Values{}, Values{}), 0.5);
  EXPECT_EQ(PairwiseAccuracy(Values{1, 2}, Values{3, 3}), 0.5);
}

TEST(TopKQuality, BestOfTheKBestPredicted) {
  const Values measured = {0.25f, 1.0f, 0.5f, 0.0f};
  const Values predicted = {9, 1, 5, 7};
  EXPECT_DOUBLE_EQ(TopKQuality(predicted, measured, 1), 0.25);
  EXPECT_DOUBLE_EQ(TopKQuality(predicted, measured, 2), 0.25);
  EXPECT_DOUBLE_EQ(TopKQuality(predicted, measured, 3), 0.5);
  EXPECT_DOUBLE_EQ(TopKQuality(predicted, measured, 4), 1);
  EXPECT_DOUBLE_EQ(TopKQuality(predicted, measured, 100), 1);
}

TEST(TopKQuality, ConstantPredictionsEarnNothing) {
  EXPECT_DOUBLE_EQ(TopKQuality(Values{1, 1, 1}, Values{1.0f, 0.5f, 0.25f}, 1), 0.25);
}

TEST(TopKQuality, Degenerate) {
  EXPECT_EQ(TopKQuality(Values{}, Values{}, 3), 0);
  EXPECT_EQ(TopKQuality(Values{1, 2}, Values{1, 2}, 0), 0);
  EXPECT_EQ(TopKQuality(Values{1, 2}, Values{0, 0}, 1), 1);
}

}  // namespace
}  // namespace halyard
