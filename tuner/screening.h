// Screening: a batch is built and timed, little for everyone and more for the better ones.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tuner/trial_runner.h"

namespace halyard {

// Where times are measured, the effort is halved successively (Jamieson and Talwalkar,
// "Non-stochastic best arm identification and hyperparameter optimization", AISTATS 2016), with a
// quarter for a half: a few samples of each, then of the better quarter, interleaved, some more.
// The second time is another moment, so that a slow or lucky one is not taken at its word. Counts
// of a virtual board repeat, and are taken once. Where there are several boards they share the
// first part; the second is one board's, since it compares. Callbacks come from the caller's thread
// and in the order of the configs, whichever board was first: on boards that count alike a search
// is the same with one as with ten.
//
// Not thread-safe. `bench` must outlive it.
class Screening {
 public:
  explicit Screening(const Workbench& bench) : bench_(bench), runner_(bench) {}

  struct Callbacks {
    std::function<void(const std::string& what)> phase;  // "building 16", "measuring"
    std::function<bool()> stop;                          // asked before every measurement
    std::function<double()> incumbent;                   // in ns; 0: none
    std::function<void(const Config&, const BuildResult&, const Record&)> taken;
    // A config taken before, with all its samples, or wrong after all.
    std::function<void(const Config&, const Record&)> refined;
  };

  // `predicted`: the cost model's score of each config, for the records; empty where there is none.
  // The first error of TrialRunner::Measure. What was measured before it is in the log and was
  // given to the callbacks.
  absl::Status Screen(const std::vector<Config>& configs, const std::vector<float>& predicted,
                      const Callbacks& callbacks);

 private:
  struct Candidate {
    const Config* config;
    const BuildResult* built;
    std::vector<double> samples;
    double value = 0;
  };
  // Measures all, on all boards at once, and hands them to `take` in their order, which it stops
  // when that is not OK. `policy` is asked when a candidate's run begins.
  absl::Status MeasureAll(const std::vector<Config>& configs, const std::vector<BuildResult>& built,
                          const std::function<bool()>& stop,
                          const std::function<TimingPolicy()>& policy,
                          const std::function<absl::Status(size_t, Record)>& take);
  absl::Status Refine(std::vector<Candidate> candidates, const Callbacks& callbacks);

  const Workbench& bench_;
  TrialRunner runner_;
};

}  // namespace halyard
