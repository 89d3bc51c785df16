// What the gate measures with: configs built by today's compiler and run on the board, alone or in
// turn, on inputs that no search has seen.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "logs/measurement_log.h"
#include "rpc_farm/executor.h"
#include "schedules/task.h"
#include "tuner/builder.h"
#include "tuner/gate/gate_decision.h"

namespace halyard {

// None of it owned.
struct GateBench {
  const Device& device;
  Builder& builder;
  Executor& executor;
  const MeasurementLog& log;
  const std::atomic<bool>& interrupted;
  double board_seconds = 0;  // spent in runs so far
};

// A config that ran, or is at fault for not having run.
struct GateRun {
  GateSide side;
  std::vector<double> samples;  // empty unless the side is ok; and where it was `unstable`
  std::string unstable;         // right, and too noisy for a time: why
};

// The artifact that records are of. Infrastructure's failures are not OK.
absl::StatusOr<BuildResult> BuildForGate(const GateBench& bench, const Task& task,
                                         const std::string& config);

// In a process of its own; one sample, or as many as a screening has. Unavailable: the board was
// lost; Cancelled: interrupted.
absl::StatusOr<GateRun> RunAlone(GateBench& bench, const Task& task, const std::string& config,
                                 const BuildResult& built, uint64_t seed, bool one_sample);

// Both, right by themselves, in rounds in turn.
struct GateDuel {
  std::vector<double> now, before;  // samples, paired by round
  std::optional<RatioInterval> ratio;
  int rounds = 0;
  bool slower = false;
  std::string no_ratio;  // why there is none
  // At fault in the rounds, each run of which has inputs of its own.
  std::optional<GateSide> now_failed, before_failed;
};
// `round_seconds`: one run of both. REQUIRES: a board that is timed.
absl::StatusOr<GateDuel> RunInTurn(GateBench& bench, const Task& task, const BuildResult& now,
                                   const BuildResult& before, uint64_t seed, double round_seconds);

}  // namespace halyard
