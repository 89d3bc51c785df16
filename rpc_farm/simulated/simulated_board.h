// A board that exists only as a script: from what a kernel does and takes on the device's virtual
// board to what this board says of it. Pure: time is given, nothing is run, and the same seed and
// the same calls give the same answers.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "rpc_farm/executor.h"
#include "rpc_farm/simulated/heat_model.h"
#include "rpc_farm/simulated/outages.h"

namespace halyard {

// Not thread-safe. Times are seconds of the board's own.
class SimulatedBoard {
 public:
  // `clock_ghz`: the device's, for what the board tells of its clock.
  SimulatedBoard(const SimulationScript& script, uint64_t seed, double clock_ghz);
  SimulatedBoard(const SimulatedBoard&) = delete;
  SimulatedBoard& operator=(const SimulatedBoard&) = delete;

  struct Ended {
    RunOutcome outcome;
    double seconds = 0;  // that the board was at it
  };
  // `truth`: of each entry that the request names (kInterleave: of each candidate's first) its
  // answer, and as its only sample the nanoseconds it takes where nothing disturbs it; none where
  // the answer is not worth a time. REQUIRES: kMeasure or kInterleave; `now` is no earlier than the
  // end of the last run.
  Ended Run(double now, const RunRequest& request, const RunReply& truth,
            std::chrono::milliseconds deadline);

  // Why it cannot be reached, in a line; nullopt: it can.
  std::optional<std::string> WhyLost(double now) const;

  const SimulationScript& script() const { return script_; }
  double speed() const { return speed_; }  // its own, of the boards of its script
  // "simulated (speed 0.97, noise 2 %), 41.2 C": one line.
  std::string environment() const;

 private:
  double Uniform();  // from 0 to 1
  double Normal();
  double Drift(double at) const;
  std::optional<BoardConditions> Conditions() const;
  void Pass(double seconds);
  double TakeSample(double true_ns, int64_t least_ns);
  bool Over() const;  // nothing more is to come of the run that is being played
  void Measure(const TimingPolicy& policy, EntryResult& entry);
  void Interleave(const RunRequest& request, RunReply& reply);
  void Damage(const RunRequest& request, RunReply& reply);

  const SimulationScript script_;
  const uint64_t seed_;
  const double clock_ghz_;
  uint64_t drawn_ = 0;
  const double speed_;
  const Outages outages_;
  std::optional<HeatModel> heat_;
  double cooled_until_ = 0;  // what the heat has been followed to
  // Of the run that is being played.
  double time_ = 0, deadline_ = 0;
  int64_t taken_ = 0;  // samples
};

}  // namespace halyard
