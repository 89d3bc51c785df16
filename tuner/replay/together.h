// Tasks that share one budget, replayed: what dealing batches by their worth is good for, beside
// taking turns and beside one task after the other.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tuner/replay/replay_report.h"

namespace halyard {

enum class Dealing {
  kWorth,       // tuner/task_scheduler.h; a trial costs the same everywhere
  kTurns,       // round robin: one batch each in turn
  kSequential,  // one task after the other, an equal share of the largest budget each
};
inline constexpr Dealing kDealings[] = {Dealing::kWorth, Dealing::kTurns, Dealing::kSequential};
std::string DealingName(Dealing dealing);

struct TogetherOptions {
  std::string strategy = "sa";  // of ReplayStrategies()
  int seeds = 20;               // 1, 2, ... this many
  int trials = 128;             // the largest budget, of a task on the average
  double stop_gain = 0;         // what expects less is finished; 0: never
  std::vector<double> weights;  // of the tasks
  std::shared_ptr<const BaseModel> base_model = nullptr;
};

// Budgets, in trials of a task on the average, after which the sum is asked for.
inline constexpr int kTogetherTrials[] = {16, 32, 64, 128, 256};

struct TogetherFigures {
  Dealing dealing;
  // For each of kTogetherTrials within the budget: weighted sum of the tasks' best times over that
  // of their recorded best ones, less 1. A task not yet begun counts its safe config.
  std::vector<Quartiles> above;
  std::vector<int> trials;  // that each task got in all, the median over the seeds
  Quartiles dealt;          // trials in all; fewer than the budget where all tasks were finished
};

struct TogetherReport {
  TogetherOptions options;
  std::vector<std::string> tasks;  // workload on device
  std::vector<double> best_ms, safe_ms;
  std::vector<TogetherFigures> figures;  // one a dealing
};

// The same arguments give the same report, on any number of threads. REQUIRES: a weight for each
// space, and a clock rate for each virtual device.
TogetherReport ReplayTogether(const std::vector<RecordedTask>& spaces,
                              const TogetherOptions& options, int threads);

// Within 100 columns; ends with a newline.
std::string TogetherText(const TogetherReport& report);
nlohmann::json TogetherJson(const TogetherReport& report);

}  // namespace halyard
