#include "cost_model/known_tasks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "cost_model/dataset.h"
#include "tests/unit/cost_model/feature_tasks.h"

namespace halyard {
namespace {

Workload WorkloadOf(const std::string& text) { return ParseWorkload(text + ":f32").value(); }

TEST(WorkloadDistance, IsZeroForTheSameAndGrowsWithSizesAndAttributes) {
  const Workload w = WorkloadOf("gemm:512x512x512");
  EXPECT_EQ(WorkloadDistance(w, w), 0);
  EXPECT_EQ(WorkloadDistance(w, WorkloadOf("gemm:1024x512x512")), 1);
  EXPECT_EQ(WorkloadDistance(WorkloadOf("gemm:1024x512x512"), w), 1);
  EXPECT_GT(WorkloadDistance(w, WorkloadOf("gemm:1x512x512")), 8);
  EXPECT_TRUE(std::isinf(WorkloadDistance(w, WorkloadOf("softmax:512x512"))));
  // A bias leaves the loops alone, a stride does not.
  const Workload conv = WorkloadOf("conv2d:1x28x28x64x64x3x3");
  const double bias = WorkloadDistance(conv, WorkloadOf("conv2d:1x28x28x64x64x3x3,bias=1"));
  const double stride = WorkloadDistance(conv, WorkloadOf("conv2d:1x28x28x64x64x3x3,stride=2"));
  EXPECT_GT(bias, 0);
  EXPECT_LT(bias, stride);
}

TEST(KnownTask, KeepsTheBestThatDifferAndNoneFarBehind) {
  const Task task = GemmTask({64, 64, 64});
  std::mt19937_64 rng(1);
  MeasuredTask measured{&task, {}};
  for (int i = 0; i < 40; i++) {
    measured.measurements.push_back({*task.space.Random(rng), i % 5 != 0, 100.0 + i});
  }
  const KnownTask known = KnownTaskOf(measured);
  ASSERT_GE(known.configs.size(), 2u);
  EXPECT_LE(known.configs.size(), kMostKnownConfigs);
  // The first one failed.
  EXPECT_EQ(known.configs[0], task.space.ToText(measured.measurements[1].config));
  for (const std::string& text : known.configs) {
    const auto at =
        std::find_if(measured.measurements.begin(), measured.measurements.end(),
                     [&](const Measurement& m) { return task.space.ToText(m.config) == text; });
    ASSERT_NE(at, measured.measurements.end());
    EXPECT_TRUE(at->ok);
    EXPECT_LE(at->value, 1.3 * 101);
  }
  for (Measurement& m : measured.measurements) m.ok = false;
  EXPECT_TRUE(KnownTaskOf(measured).configs.empty());
}

TEST(CarryOver, AConfigOfTheSpaceStaysAsItIs) {
  const Task task = GemmTask({96, 200, 77});
  std::mt19937_64 rng(2);
  for (int i = 0; i < 50; i++) {
    const Config config = *task.space.Random(rng);
    EXPECT_EQ(CarryOver(task.space.ToText(config), task.space), config);
  }
}

// Whatever the other task, what comes out is valid here.
TEST(CarryOver, GivesAValidConfigOfEverySpace) {
  const std::vector<std::vector<std::string>> families = {
      {"gemm:512x512x512", "gemm:1x1024x4096", "gemm:97x101x103", "gemm:8x8x8,packed=1"},
      {"conv2d:1x28x28x64x64x3x3,pad=1", "conv2d:1x14x14x96x96x3x3,pad=1,groups=96",
       "conv2d:1x56x56x64x256x1x1,packed=1", "conv2d:1x224x224x3x32x3x3,stride=2,pad=1"},
      {"softmax:4096x1000", "softmax:64x50257", "softmax:8x16"},
      {"attention:12x128x64", "attention:16x1024x77x80", "attention:2x4096x40,causal=1"}};
  std::mt19937_64 rng(3);
  for (const auto& family : families) {
    for (const std::string& from : family) {
      const Task donor = TaskOf(from);
      for (const std::string& to : family) {
        const Task task = TaskOf(to);
        for (int i = 0; i < 20; i++) {
          const std::string text = donor.space.ToText(*donor.space.Random(rng));
          const auto carried = CarryOver(text, task.space);
          ASSERT_TRUE(carried.has_value()) << text;
          EXPECT_EQ(task.space.why_invalid(*carried), "")
              << text << " from " << from << " to " << to;
        }
      }
    }
  }
  EXPECT_FALSE(CarryOver("no config at all", TaskOf("softmax:8x16").space).has_value());
}

TEST(ConfigsOfSimilarTasks, NearestTaskFirstEachOnceAndOnlyOfTheOperator) {
  const Task task = GemmTask({500, 512, 512});
  const Task near = GemmTask({512, 512, 512}), far = GemmTask({1, 4096, 1024});
  std::mt19937_64 rng(4);
  const auto texts = [&](const Task& of, int count) {
    std::vector<std::string> configs;
    for (int i = 0; i < count; i++) configs.push_back(of.space.ToText(*of.space.Random(rng)));
    return configs;
  };
  std::vector<KnownTask> known = {
      {far.workload, "test", texts(far, 3)},
      {near.workload, "test", texts(near, 3)},
      {TaskOf("softmax:512x512").workload, "test", {"form=store"}},
      {near.workload, "test", {}},
  };
  const std::vector<Config> similar = ConfigsOfSimilarTasks(known, task, 10);
  ASSERT_GE(similar.size(), 3u);
  EXPECT_LE(similar.size(), 6u);
  EXPECT_EQ(similar[0], *CarryOver(known[1].configs[0], task.space));
  EXPECT_EQ(similar[1], *CarryOver(known[0].configs[0], task.space));
  EXPECT_EQ(ConfigsOfSimilarTasks(known, task, 2).size(), 2u);
  // The same workload elsewhere is further away than a similar one here.
  known.push_back({task.workload, "elsewhere", texts(task, 1)});
  EXPECT_EQ(ConfigsOfSimilarTasks(known, task, 10)[0], similar[0]);
  EXPECT_TRUE(ConfigsOfSimilarTasks({}, task, 10).empty());
}

}  // namespace
}  // namespace halyard
