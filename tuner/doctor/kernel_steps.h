// A tiny kernel on its way through compiler, link and board: what every trial goes through.
#pragma once

#include "schedules/task.h"
#include "tuner/candidate_runner.h"
#include "tuner/doctor/doctor.h"

namespace halyard {

// Not thread-safe.
class TinyKernel {
 public:
  TinyKernel(const Device& device, Executor& executor, Builder& builder);

  Step Compile();
  Step Run();     // REQUIRES: Compile was ok. Copies, runs and checks its answer
  Step Repeat();  // REQUIRES: Run was ok. Twenty times: how much its times differ

 private:
  MeasureResult MeasureOnce(int samples);

  const Task task_;
  Builder& builder_;
  CandidateRunner runner_;
  BuildResult built_;
  double value_ = 0;
};

}  // namespace halyard
