// What is known of other tasks, carried over: their best configs, rewritten for a task at hand, are
// where its search begins.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "schedules/task.h"

namespace halyard {

struct MeasuredTask;

struct KnownTask {
  Workload workload;
  std::string device;
  // Texts of its best configs that differ in more than one knob, best first.
  std::vector<std::string> configs;
};

// The best configs of a task, kMostKnownConfigs at most; none where none is ok.
inline constexpr size_t kMostKnownConfigs = 6;
KnownTask KnownTaskOf(const MeasuredTask& measured);

// How unlike two workloads of one operator are: the distance of their sizes and attributes in
// powers of two. Infinite where the operators differ.
double WorkloadDistance(const Workload& a, const Workload& b);

// The valid config of `space` nearest to the text: the sizes nearest to the text's, by ratio; the
// same choices; where that is not valid, as much of it as is, knob after knob, from the safe config
// on. Knobs that the text does not have are as in the safe config. nullopt: not a config's text.
std::optional<Config> CarryOver(const std::string& text, const ScheduleSpace& space);

// The best configs of the tasks most like `task`, rewritten for it, each once: first each one's
// best, those of the nearest task first. Tasks of another device count as further away. The task
// itself and its family (WorkloadFamily) count like any other.
std::vector<Config> ConfigsOfSimilarTasks(std::span<const KnownTask> known, const Task& task,
                                          size_t most);

}  // namespace halyard
