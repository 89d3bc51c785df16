#include "cost_model/evaluation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>

#include "tests/unit/cost_model/feature_row.h"
#include "tests/unit/cost_model/feature_tasks.h"

namespace halyard {
namespace {

// Made-up times: the estimate's compute and imbalance, so that they carry over between tasks.
double MadeUpTime(const Task& task, const Config& config) {
  const auto row = NamedRow(task, config);
  return std::exp2(row.at("time.compute/roof") + row.at("parallel.imbalance") +
                   0.3f * row.at("micro.registers"));
}

class Bench {
 public:
  explicit Bench(const std::vector<std::string>& workloads, int configs = 60) {
    for (const std::string& w : workloads) {
      owned_.push_back(std::make_unique<Task>(TaskOf(w)));
      MeasuredTask measured{owned_.back().get(), {}};
      std::mt19937_64 rng(owned_.size());
      for (int i = 0; i < configs; i++) {
        const Config config = measured.task->space.Random(rng).value();
        Measurement m{config, true, MadeUpTime(*measured.task, config)};
        if (i < 25) m.repeats = 2;
        if (i >= 40) m.weight = kSingleSampleWeight;
        measured.measurements.push_back(m);
      }
      tasks_.push_back(std::move(measured));
    }
  }
  std::vector<MeasuredTask>& tasks() { return tasks_; }

 private:
  std::vector<std::unique_ptr<Task>> owned_;
  std::vector<MeasuredTask> tasks_;
};

TEST(AssignFolds, FamiliesStayTogetherAndOperatorsSpread) {
  Bench bench({"gemm:64x64x64", "gemm:64x64x64,packed=1", "gemm:64x64x64,bias=1,act=relu",
               "gemm:128x64x64", "gemm:64x128x64", "gemm:64x64x128", "gemm:32x64x64",
               "softmax:64x100", "softmax:64x200", "softmax:64x300", "softmax:64x400",
               "softmax:64x500", "conv2d:1x8x8x16x16x3x3,pad=1", "conv2d:1x8x8x16x16x3x3"},
              1);
  const std::vector<int> folds = AssignFolds(bench.tasks(), 5, 1);
  EXPECT_EQ(folds[0], folds[1]);
  EXPECT_EQ(folds[0], folds[2]);
  std::map<std::string, std::map<int, int>> spread;
  for (size_t i = 0; i < folds.size(); i++) {
    EXPECT_GE(folds[i], 0);
    EXPECT_LT(folds[i], 5);
    spread[bench.tasks()[i].task->workload.op][folds[i]]++;
  }
  EXPECT_EQ(spread["gemm"].size(), 5u);
  EXPECT_EQ(spread["softmax"].size(), 5u);
  // Padding changes the loops: not one family.
  EXPECT_EQ(spread["conv2d"].size(), 2u);
  EXPECT_EQ(AssignFolds(bench.tasks(), 5, 1), folds);
}

TEST(CrossValidate, RanksTasksThatItHasNotSeen) {
  std::vector<std::string> workloads;
  for (const char* m : {"64", "100", "128", "200", "256", "333", "512", "777", "900", "1024"}) {
    workloads.push_back(std::string("gemm:") + m + "x256x128");
    workloads.push_back(std::string("gemm:128x") + m + "x256");
  }
  Bench bench(workloads);
  const auto scores = CrossValidate(bench.tasks(), AssignFolds(bench.tasks(), 5, 1), 1);
  ASSERT_TRUE(scores.ok()) << scores.status();
  ASSERT_EQ(scores->size(), 20u);
  const MeanScore mean = MeanOver(*scores, "");
  EXPECT_EQ(mean.tasks, 20u);
  EXPECT_EQ(mean.configs, 20u * 60);
  EXPECT_GT(mean.unseen.pairs, 0.85);
  EXPECT_GT(mean.unseen.spearman, 0.8);
  EXPECT_GE(mean.unseen.clear_pairs, mean.unseen.pairs);
  EXPECT_GT(mean.unseen.best_of_5, 0.85);
  EXPECT_EQ(mean.repeated_tasks, 20u);
  EXPECT_EQ(mean.steady_tasks, 20u);
  EXPECT_GT(mean.steady.pairs, 0.85);
  EXPECT_GT(mean.adapted.spearman, mean.not_adapted.spearman - 0.02);
  EXPECT_TRUE(std::isnan(MeanOver(*scores, "attention").unseen.pairs));
}

TEST(CrossValidate, LabelsThatMeanNothingScoreLikeChance) {
  std::vector<std::string> workloads;
  for (const char* m : {"64", "100", "128", "200", "256", "333", "512", "777"}) {
    workloads.push_back(std::string("gemm:") + m + "x256x128");
  }
  Bench bench(workloads, 100);
  std::mt19937_64 rng(1);
  for (MeasuredTask& task : bench.tasks()) {
    for (Measurement& m : task.measurements) m.value = 1 + static_cast<double>(rng() % 1000);
  }
  const auto scores = CrossValidate(bench.tasks(), AssignFolds(bench.tasks(), 4, 1), 1);
  ASSERT_TRUE(scores.ok());
  EXPECT_NEAR(MeanOver(*scores, "").unseen.pairs, 0.5, 0.06);
}

TEST(CrossValidate, TasksWithTooFewConfigsAreTrainedOnAndNotScored) {
  Bench bench({"gemm:64x64x64", "gemm:64x128x64", "gemm:128x64x64"}, 19);
  const auto scores = CrossValidate(bench.tasks(), AssignFolds(bench.tasks(), 3, 1), 1);
  ASSERT_TRUE(scores.ok());
  EXPECT_TRUE(scores->empty());
}

}  // namespace
}  // namespace halyard
