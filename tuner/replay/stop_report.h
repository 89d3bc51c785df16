// What forecasts of searches' gain are worth, on recorded spaces: predicted beside realised, and
// what stopping by them loses and saves.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tuner/replay/replay_report.h"

namespace halyard {

struct StopOptions {
  std::string strategy = "sa";  // of ReplayStrategies()
  int seeds = 20;               // 1, 2, ... this many
  int trials = 512;             // of a search that does not stop
  std::shared_ptr<const BaseModel> base_model = nullptr;
};

// After each batch of a search, what the next kForecastTrials were forecast to bring and brought.
struct ForecastPoint {
  double predicted = 0, deviation = 0, realised = 0;
};

// A tenth of the points, by what was predicted.
struct ForecastBin {
  size_t points = 0;
  double predicted = 0, realised = 0;  // means
  double error = 0;                    // root mean square of realised - predicted
  double deviation = 0;                // that was stated, root mean square
};

inline constexpr double kStopGains[] = {0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.02};

struct StopFigures {
  double stop_gain = 0;
  double mean_trials = 0;
  Quartiles trials;
  double mean_loss = 0, worst_loss = 0;  // of the value at the stop over the full search's, less 1
  Quartiles loss;
  double tenth_loss = 0;  // nine of ten searches lose less
};

struct StopReport {
  StopOptions options;
  size_t spaces = 0, searches = 0;
  std::vector<ForecastBin> bins;     // rising
  std::vector<StopFigures> figures;  // one of each of kStopGains
};

// The same arguments give the same report, on any number of threads. REQUIRES: options.trials is
// more than kForecastTrials, spaces is not empty.
StopReport ReplayStops(const std::vector<RecordedTask>& spaces, const StopOptions& options,
                       int threads);

// Within 100 columns; ends with a newline.
std::string StopText(const StopReport& report);
nlohmann::json StopJson(const StopReport& report);

}  // namespace halyard
