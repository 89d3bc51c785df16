// Measuring candidates: runs an artifact on a board, judges its answers, and turns what came back
// into a typed outcome. Nothing gets a time that was not right.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "logs/record.h"
#include "rpc_farm/executor.h"
#include "schedules/task.h"
#include "tuner/builder.h"

namespace halyard {

struct MeasureResult {
  Outcome outcome = Outcome::kInfraError;
  std::string message;
  std::vector<double> samples;  // in the task's unit; several only where time was taken
  std::string checks;           // what was checked and held
};

// "ns" for a board that is timed, "virtual_cycles" for a virtual one.
std::string UnitOf(BoardKind kind);

// What an answer is compared with: the operator's reference in double at some points of the output,
// and its projection where it is linear. Computed once a workload.
struct Expectation {
  std::vector<int64_t> points;
  std::vector<double> values;
  std::optional<double> projection;
  double tolerance = 0;             // of one element
  double projection_tolerance = 0;  // of the signed sum of all
};

Expectation Expect(const Operator& op, const Workload& workload, uint64_t seed);

// Empty when `got` agrees with `expected`, otherwise what is wrong in one line.
std::string WhyWrong(const Expectation& expected, const EntryResult& got);

// Virtual cycles of the whole (CountedCycles) from its probes. `cores`: of each kind, in the order
// of ParallelRegion::cycles.
absl::StatusOr<double> VirtualCycles(const ProbePlan& plan, const std::vector<EntryResult>& probes,
                                     const std::vector<int>& cores);

// Not thread-safe.
class CandidateRunner {
 public:
  CandidateRunner(const Task& task, Executor& executor, uint64_t seed)
      : task_(task), executor_(executor), seed_(seed) {}

  // Screening: one process, all checks, samples under the policy. Noise is answered once by
  // measuring again; what is still noisy is `unstable`.
  MeasureResult Measure(const Config& config, const BuildResult& built, const TimingPolicy& policy);

  // The final: all artifacts in one process, `rounds` rounds in random order, checked again. Sample
  // i of every artifact is from round i, in ns. REQUIRES: a board that is timed.
  absl::StatusOr<std::vector<std::vector<double>>> Interleave(const std::vector<BuildResult>& built,
                                                              int rounds, double round_seconds);

 private:
  const Expectation& ExpectationOf(const Workload& workload);
  MeasureResult MeasureOnce(const Config& config, const BuildResult& built,
                            const TimingPolicy& policy);

  const Task& task_;
  Executor& executor_;
  const uint64_t seed_;
  std::map<std::string, Expectation> expectations_;
};

}  // namespace halyard
