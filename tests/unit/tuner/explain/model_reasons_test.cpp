#include "tuner/explain/model_reasons.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

#include "cost_model/features.h"
#include "tests/unit/cost_model/feature_tasks.h"

namespace halyard {
namespace {

// Random configs, the faster the closer a tile is to six rows.
std::vector<Trial> MadeUpTrials(const Task& task, size_t count) {
  std::mt19937_64 rng(3);
  const FeatureExtractor features(task);
  std::vector<Trial> trials;
  std::set<Config> seen;
  while (trials.size() < count) {
    const Config c = task.space.Random(rng).value();
    if (!seen.insert(c).second) continue;
    const FeatureMatrix row = features.Matrix(std::vector<Config>{c});
    trials.push_back({c, true, 1 + std::fabs(row.values[kProductRegM] - 6)});
  }
  return trials;
}

TEST(ExplainByModel, ContributionsAddUpAndNameWhatMadeTheTimes) {
  const Task task = GemmTask({256, 256, 256});
  std::vector<Trial> trials = MadeUpTrials(task, 120);
  const Trial best = *std::min_element(trials.begin(), trials.end(),
                                       [](auto& a, auto& b) { return a.value < b.value; });
  const auto reasons = ExplainByModel(task, best.config, trials, 1, nullptr);
  ASSERT_TRUE(reasons.has_value());
  EXPECT_TRUE(reasons->measured);
  EXPECT_EQ(reasons->background, kBackgroundConfigs);
  EXPECT_EQ(reasons->model, "trained on this task's 120 trials alone");
  EXPECT_TRUE(reasons->troubles.empty());
  double sum = 0, last = HUGE_VAL;
  for (const FeatureReason& f : reasons->features) {
    sum += f.contribution;
    EXPECT_NE(f.contribution, 0);
    EXPECT_LE(std::fabs(f.contribution), last);
    last = std::fabs(f.contribution);
  }
  EXPECT_NEAR(sum, reasons->score - reasons->background_score, 1e-4);
  EXPECT_GT(reasons->score, reasons->background_score);
  EXPECT_EQ(reasons->features.front().feature, kProductRegM);
  EXPECT_GT(reasons->features.front().contribution, 0);
}

TEST(ExplainByModel, WhatDoesNotApplyIsNan) {
  // Forms of a convolution have features of their own.
  const Task task = TaskOf("conv2d:1x28x28x64x64x3x3,stride=1,pad=1");
  std::mt19937_64 rng(3);
  std::vector<Trial> trials;
  for (int i = 0; i < 60; i++) {
    const Config c = task.space.Random(rng).value();
    trials.push_back(
        {c, true, task.space.view(c).is("form", "direct") ? 1.0 + i % 3 : 4.0 + i % 5});
  }
  bool here = false, there = false;
  for (size_t i = 0; i < 20 && !(here && there); i++) {
    const auto reasons = ExplainByModel(task, trials[i].config, trials, 1, nullptr);
    ASSERT_TRUE(reasons.has_value());
    for (const FeatureReason& f : reasons->features) {
      here = here || std::isnan(f.value);
      there = there || std::isnan(f.background);
    }
  }
  EXPECT_TRUE(here);
  EXPECT_TRUE(there);
}

TEST(ExplainByModel, WithoutMeasurementsTheBackgroundIsRandom) {
  const Task task = GemmTask({64, 64, 64});
  EXPECT_FALSE(ExplainByModel(task, task.space.safe(), {}, 1, nullptr).has_value());
  const auto base = LoadBaseModel(ShippedModelPath());
  ASSERT_TRUE(base.ok()) << base.status();
  const auto reasons = ExplainByModel(task, task.space.safe(), {}, 1, *base);
  ASSERT_TRUE(reasons.has_value());
  EXPECT_FALSE(reasons->measured);
  EXPECT_EQ(reasons->background, kBackgroundConfigs);
  EXPECT_NE(reasons->model.find("too few trials"), std::string::npos) << reasons->model;
  const auto corrected = ExplainByModel(task, task.space.safe(), MadeUpTrials(task, 40), 1, *base);
  ASSERT_TRUE(corrected.has_value());
  EXPECT_NE(corrected->model.find("corrected by them"), std::string::npos) << corrected->model;
  EXPECT_EQ(corrected->background, 40u);
}

TEST(MeasuredBackground, IsSpreadOverTheOtherOkTrials) {
  std::vector<Trial> trials;
  for (int i = 0; i < 200; i++) trials.push_back({{i}, i % 2 == 0, 1});
  const std::vector<Config> chosen = MeasuredBackground(trials, {4});
  EXPECT_EQ(chosen.size(), kBackgroundConfigs);
  EXPECT_EQ(std::set<Config>(chosen.begin(), chosen.end()).size(), chosen.size());
  EXPECT_EQ(chosen.front(), Config{0});
  EXPECT_GT(chosen.back()[0], 190);
  for (const Config& c : chosen) {
    EXPECT_EQ(c[0] % 2, 0);
    EXPECT_NE(c[0], 4);
  }
  trials.resize(20);
  EXPECT_EQ(MeasuredBackground(trials, {4}).size(), 9u);
  EXPECT_TRUE(MeasuredBackground({{{4}, true, 1}}, {4}).empty());
}

}  // namespace
}  // namespace halyard
