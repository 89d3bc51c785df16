// Trials: candidates built, run on the board, judged and logged.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "cost_model/base_model.h"
#include "logs/measurement_log.h"
#include "rpc_farm/executor.h"
#include "rpc_farm/measure_peak.h"
#include "schedules/task.h"
#include "tuner/builder.h"
#include "tuner/candidate_runner.h"
#include "tuner/tune_options.h"

namespace halyard {

// Everything a search works with; none of it owned.
struct Workbench {
  const Task& task;
  const TuneOptions& options;
  Builder& builder;
  Executor& executor;
  MeasurementLog& log;
  const std::atomic<bool>& interrupted;
  std::shared_ptr<const BaseModel> base_model = nullptr;  // what the cost model starts from
  // Boards alike that screen besides `executor`, at the same time.
  std::vector<Executor*> more_boards = {};
  Peak peak = {};  // of the boards, for the records; 0: not known
};

// A record with everything but its outcome filled in. `executor`: of the board it ran on.
Record RecordOf(const Workbench& bench, const Executor& executor, const Config& config);

struct LoggedTrial {
  Config config;
  Record record;
};

// What the log has of the task's space as it is now, in the order of trial: screenings, and no
// infrastructure losses, which said nothing about the candidate. A config that was measured again
// is there again. `compiler`: only of its builds (RecordedCompiler); "": of any.
absl::StatusOr<std::vector<LoggedTrial>> LoggedTrials(const MeasurementLog& log, const Task& task,
                                                      const std::string& compiler = "");

// The same, each config once and where it was first: ok with all its samples, or wrong_result where
// any answer was wrong.
absl::StatusOr<std::vector<LoggedTrial>> LoggedConfigs(const MeasurementLog& log, const Task& task,
                                                       const std::string& compiler = "");

// Not thread-safe but where it says so. `bench` must outlive it.
class TrialRunner {
 public:
  explicit TrialRunner(const Workbench& bench);

  // In the order of the configs; artifacts live as long as the workbench's builder.
  std::vector<BuildResult> Build(const std::vector<Config>& configs);

  size_t boards() const { return runners_.size(); }
  // Executor::has_queue of the boards, and MayQueue of all of them.
  bool have_queues() const { return executors_.front()->has_queue(); }
  void MayQueue(bool may) {
    for (Executor* executor : executors_) executor->MayQueue(may);
  }
  // Runs what was built on a board, or takes its failure. Different boards may be used from
  // different threads at once.
  Record Measure(size_t board, const Config& config, const BuildResult& built,
                 const TimingPolicy& policy);
  // Appends what was measured to the log. Unavailable: the last eight trials were lost, so the
  // board is not coming back by itself; otherwise what the log says (ResourceExhausted: the disk is
  // full).
  absl::StatusOr<Record> Keep(Record measured);

  // Times configs that have been measured in interleaved rounds, `samples` of each, and appends a
  // record for each; a round lasts some `round_seconds`. One that is wrong this time is
  // wrong_result: it was right by chance before. Empty where the run was lost: what was known
  // before stands. Errors are the log's.
  absl::StatusOr<std::vector<Record>> MeasureTogether(const std::vector<Config>& configs,
                                                      const std::vector<BuildResult>& built,
                                                      int samples, double round_seconds);

 private:
  const Workbench& bench_;
  std::vector<Executor*> executors_;
  std::vector<std::unique_ptr<CandidateRunner>> runners_;  // of each; the first is the bench's
  int losses_in_a_row_ = 0;
};

}  // namespace halyard
