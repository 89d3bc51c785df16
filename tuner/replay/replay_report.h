// What replays say of strategies, for people and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tuner/replay/quartiles.h"
#include "tuner/replay/replay.h"

namespace halyard {

// Shares of the best that a search is timed to, and trials after which its regret is asked for.
inline constexpr double kReachShares[] = {0.90, 0.95, 0.99};
inline constexpr int kRegretTrials[] = {16, 32, 64, 128, 256};

// Trials until the value is at most best / share; infinite where it never is.
double TrialsToReach(const Curve& curve, double best, double share);
// Value after `trials` trials over the best, less 1. REQUIRES: 1 <= trials <= curve.size().
double RegretAfter(const Curve& curve, double best, int trials);

struct StrategyFigures {
  std::string strategy;
  std::vector<Quartiles> reach;   // for each of kReachShares, trials over the seeds
  std::vector<Quartiles> regret;  // for those of kRegretTrials that are within the budget
};

struct SpaceFigures {
  std::string name, workload, device, unit;
  size_t configs = 0, ok = 0;
  double best = 0, worst = 0;
  size_t near = 0;  // configs within 5 % of the best
  std::vector<StrategyFigures> strategies;
};

struct ReplayReport {
  ReplayOptions options;
  std::vector<SpaceFigures> spaces;
  // Of each strategy: quartiles over the spaces of the spaces' medians.
  std::vector<StrategyFigures> summary;
};

ReplayReport Report(const std::vector<RecordedTask>& spaces, const ReplayOptions& options,
                    const std::vector<std::vector<std::vector<Curve>>>& curves);

// Tables within 100 columns; ends with a newline.
std::string ReportText(const ReplayReport& report);
// What is infinite in the report is null here.
nlohmann::json ReportJson(const ReplayReport& report);

}  // namespace halyard
