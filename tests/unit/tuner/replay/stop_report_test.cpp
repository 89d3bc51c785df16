// What forecasts are worth, on recorded spaces: that they say roughly what comes.

#include "tuner/replay/stop_report.h"

#include <cmath>
#include <sstream>

#include "tests/unit/logs/recorded_tasks.h"
#include "tests/unit/logs/test_log.h"

namespace halyard {
namespace {

// Measured on a machine and counted on a virtual board; random draws, which are quick to replay.
StopReport Recorded() {
  const std::string folder = HALYARD_GOLDENS;
  const auto spaces = LoadRecordedTasks(
      {folder + "/softmax_512x300_rpi4.space", folder + "/softmax_1024x500_host.space"});
  StopOptions options;
  options.strategy = "random";
  options.seeds = 20;
  options.trials = 256;
  return ReplayStops(spaces.value(), options, 2);
}

TEST(StopReport, ForecastsOfRecordedSearchesAreCalibrated) {
  const StopReport r = Recorded();
  EXPECT_EQ(r.searches, 40u);
  ASSERT_EQ(r.bins.size(), 10u);
  double predicted = 0, realised = 0, low = 0, high = 0, squares = 0, stated = 0;
  for (size_t b = 0; b < r.bins.size(); b++) {
    const ForecastBin& bin = r.bins[b];
    EXPECT_GE(bin.points, 40u);
    EXPECT_GE(bin.predicted, r.bins[b > 0 ? b - 1 : 0].predicted);
    predicted += bin.predicted;
    realised += bin.realised;
    squares += bin.error * bin.error;
    stated += bin.deviation * bin.deviation;
    (b < 5 ? low : high) += bin.realised;
  }
  // On the average within a factor of 2.5, though fitted to another strategy, which uses its luck
  // up sooner, and to larger spaces.
  EXPECT_GT(predicted, 0.4 * realised);
  EXPECT_LT(predicted, 2.5 * realised);
  // More brings more.
  EXPECT_GT(high, 3 * low);
  EXPECT_GT(std::sqrt(stated), 0.5 * std::sqrt(squares));
  EXPECT_LT(std::sqrt(stated), 2 * std::sqrt(squares));
}

TEST(StopReport, AskingForLessStopsLaterAndLosesLess) {
  const StopReport r = Recorded();
  ASSERT_EQ(r.figures.size(), std::size(kStopGains));
  for (size_t i = 1; i < r.figures.size(); i++) {
    EXPECT_LE(r.figures[i].mean_trials, r.figures[i - 1].mean_trials);
    EXPECT_GE(r.figures[i].mean_loss, r.figures[i - 1].mean_loss);
    EXPECT_GE(r.figures[i].loss.median, 0);
    EXPECT_GE(r.figures[i].worst_loss, r.figures[i].tenth_loss);
  }
  EXPECT_LT(r.figures.back().mean_trials, 200);
}

TEST(StopReport, TheSameOnAnyNumberOfThreadsAndWithinAHundredColumns) {
  StopOptions options;
  options.strategy = "genetic";
  options.seeds = 3;
  options.trials = 100;
  const std::vector<RecordedTask> spaces = {SyntheticTask()};
  const StopReport one = ReplayStops(spaces, options, 1);
  EXPECT_EQ(StopJson(ReplayStops(spaces, options, 3)), StopJson(one));
  std::istringstream lines(StopText(one));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
}

TEST(StopReport, WhatNeverRunsHasNoForecastAndStopsNowhere) {
  RecordedSpace space = SyntheticSpace();
  for (RecordedResult& r : space.results) r = {Outcome::kCrash, 0};
  space.results.back() = {Outcome::kOk, 5};
  StopOptions options;
  options.strategy = "random";
  options.seeds = 1;
  options.trials = 80;
  const StopReport r = ReplayStops({BindRecordedSpace(space, "a.space").value()}, options, 1);
  EXPECT_TRUE(r.bins.empty());
  for (const StopFigures& f : r.figures) EXPECT_EQ(f.trials.median, 80);
}

}  // namespace
}  // namespace halyard
