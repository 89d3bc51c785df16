// Which task gets the next batch.

#include "tuner/task_scheduler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace halyard {
namespace {

TaskStanding Standing(double weight, double best, double gain, double cost = 16) {
  TaskStanding s;
  s.weight = weight;
  s.trials = 64;
  s.best = best;
  s.next.gain = gain;
  s.cost = cost;
  return s;
}

TEST(NextTask, IsTheOneWhoseBatchTakesMostOffTheSumForItsCost) {
  EXPECT_EQ(NextTask({Standing(1, 10, 0.01), Standing(1, 10, 0.02)}), 1u);
  EXPECT_EQ(NextTask({Standing(3, 10, 0.01), Standing(1, 10, 0.02)}), 0u);
  EXPECT_EQ(NextTask({Standing(1, 10, 0.02), Standing(1, 30, 0.01)}), 1u);
  EXPECT_EQ(NextTask({Standing(1, 10, 0.02, 16), Standing(1, 10, 0.02, 8)}), 1u);
  EXPECT_EQ(NextTask({Standing(1, 10, 0.02), Standing(1, 10, 0.02)}), 0u) << "first of equals";
  EXPECT_DOUBLE_EQ(WorthOf(Standing(48, 0.5, 0.02, 4)), 0.12);
}

TEST(NextTask, TasksNotBegunComeFirstInOrder) {
  std::vector<TaskStanding> tasks = {Standing(100, 100, 0.5), TaskStanding{}, TaskStanding{}};
  EXPECT_EQ(NextTask(tasks), 1u);
  tasks[1] = Standing(1, 1, 0.001);
  EXPECT_EQ(NextTask(tasks), 2u);
  tasks[2] = Standing(1, 1, 0.001);
  EXPECT_EQ(NextTask(tasks), 0u);
}

TEST(NextTask, FinishedTasksGetNothing) {
  std::vector<TaskStanding> tasks = {Standing(9, 9, 0.5), Standing(1, 1, 0.001), TaskStanding{}};
  tasks[0].finished = tasks[2].finished = true;
  EXPECT_EQ(NextTask(tasks), 1u);
  tasks[1].finished = true;
  EXPECT_EQ(NextTask(tasks), std::nullopt);
}

// Deals batches of 16 to tasks whose gains fall as forecasts do; how many trials each got.
std::vector<int> DealTrials(std::vector<TaskStanding> tasks, int batches) {
  for (int b = 0; b < batches; b++) {
    const auto next = NextTask(tasks);
    if (!next) break;
    TaskStanding& t = tasks[*next];
    t.trials += 16;
    t.cost = 16;
    t.next.gain = 1 / std::pow(t.trials, 1.5);
  }
  std::vector<int> trials;
  for (const TaskStanding& t : tasks) trials.push_back(t.trials);
  return trials;
}

TaskStanding Begun(double weight, double best) {
  TaskStanding s;
  s.weight = weight;
  s.best = best;
  return s;
}

TEST(NextTask, HeavyTasksGetMoreAndLightOnesAreNotStarved) {
  const std::vector<int> trials = DealTrials({Begun(48, 1), Begun(1, 1), Begun(12, 1)}, 90);
  EXPECT_EQ(std::accumulate(trials.begin(), trials.end(), 0), 90 * 16);
  EXPECT_GT(trials[0], 2 * trials[2]);
  EXPECT_GT(trials[2], 2 * trials[1]);
  EXPECT_GE(trials[1], 32);
}

TEST(NextTask, OneThatNeverIsOkNeitherStarvesOthersNorHogs) {
  for (const int batches : {10, 40, 120}) {
    const std::vector<int> trials = DealTrials({Begun(1, 1), Begun(99, 0), Begun(1, 1)}, batches);
    const double share = 16.0 * batches / 3;
    EXPECT_LE(trials[1], 0.5 * share + 16) << batches;
    EXPECT_GE(trials[1], 0.5 * share - 16) << "it is tried again: " << batches;
    EXPECT_GE(trials[0], share);
  }
  // Two of them share alike.
  const std::vector<int> two = DealTrials({Begun(1, 0), Begun(9, 0), Begun(1, 1)}, 60);
  EXPECT_LE(std::abs(two[0] - two[1]), 16);
  // Alone it gets what there is.
  EXPECT_EQ(DealTrials({Begun(1, 0)}, 7), (std::vector<int>{7 * 16}));
}

}  // namespace
}  // namespace halyard
