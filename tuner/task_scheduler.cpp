#include "tuner/task_scheduler.h"

namespace halyard {
namespace {

// Of an equal share of all trials, what a task may have that never was ok.
constexpr double kFailingShare = 0.5;

// What comes first, before worth is asked for.
enum Rank { kNotBegun, kFailingBelowItsShare, kRunning, kFailing };

Rank RankOf(const TaskStanding& task, double equal_share) {
  if (task.trials == 0) return kNotBegun;
  if (task.best > 0) return kRunning;
  return task.trials < kFailingShare * equal_share ? kFailingBelowItsShare : kFailing;
}

}  // namespace

double WorthOf(const TaskStanding& task) {
  return task.weight * task.best * task.next.gain / task.cost;
}

std::optional<size_t> NextTask(const std::vector<TaskStanding>& tasks) {
  double trials = 0;
  for (const TaskStanding& task : tasks) trials += task.trials;
  const double equal_share = trials / static_cast<double>(tasks.size());
  std::optional<size_t> next;
  for (size_t i = 0; i < tasks.size(); i++) {
    if (tasks[i].finished) continue;
    if (!next) {
      next = i;
      continue;
    }
    const Rank rank = RankOf(tasks[i], equal_share), best = RankOf(tasks[*next], equal_share);
    const bool worth_more = rank == kRunning ? WorthOf(tasks[i]) > WorthOf(tasks[*next])
                                             : tasks[i].trials < tasks[*next].trials;
    if (rank < best || (rank == best && worth_more)) next = i;
  }
  return next;
}

}  // namespace halyard
