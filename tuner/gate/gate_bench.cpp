#include "tuner/gate/gate_bench.h"

#include <algorithm>
#include <chrono>

#include "fmt/format.h"
#include "tuner/candidate_runner.h"

namespace halyard {
namespace {

// What a run takes of the board is told at the end.
class BoardTime {
 public:
  explicit BoardTime(GateBench& bench) : bench_(bench), begin_(Clock::now()) {}
  BoardTime(const BoardTime&) = delete;
  BoardTime& operator=(const BoardTime&) = delete;
  ~BoardTime() {
    bench_.board_seconds += std::chrono::duration<double>(Clock::now() - begin_).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  GateBench& bench_;
  const Clock::time_point begin_;
};

absl::Status Interrupted() {
  return absl::CancelledError("interrupted before every variant was compared; nothing was written");
}

}  // namespace

absl::StatusOr<BuildResult> BuildForGate(const GateBench& bench, const Task& task,
                                         const std::string& config) {
  if (bench.interrupted) return Interrupted();
  const std::vector<BuildResult> built = bench.builder.Build(
      {{BuildKind::kConfig, task.workload.ToText(), config, task.device.loaded_from}});
  if (!IsInfrastructure(built[0].outcome)) return built[0];
  if (bench.interrupted) return Interrupted();
  return absl::UnavailableError(
      fmt::format("building {} {}: {}", task.workload.ToText(), config, built[0].message));
}

absl::StatusOr<GateRun> RunAlone(GateBench& bench, const Task& task, const std::string& config,
                                 const BuildResult& built, uint64_t seed, bool one_sample) {
  if (built.outcome != Outcome::kOk) return GateRun{{built.outcome, built.message}, {}, ""};
  if (bench.interrupted) return Interrupted();
  const auto parsed = task.space.Parse(config);
  if (!parsed.ok()) return parsed.status();
  TimingPolicy policy;
  if (one_sample) policy.samples = 1;
  const BoardTime time(bench);
  CandidateRunner runner(task, bench.executor, seed);
  const MeasureResult m = runner.Measure(*parsed, built, policy);
  if (m.outcome == Outcome::kOk) return GateRun{{}, m.samples, ""};
  // Its answers were right, or it would be wrong_result.
  if (m.outcome == Outcome::kUnstable) return GateRun{{}, {}, m.message};
  // What an interrupt of the whole process group cut short says nothing.
  if (bench.interrupted) return Interrupted();
  if (IsInfrastructure(m.outcome)) {
    return absl::UnavailableError(
        fmt::format("{} could not be run: {}", task.workload.ToText(), m.message));
  }
  return GateRun{{m.outcome, m.message}, {}, ""};
}

absl::StatusOr<GateDuel> RunInTurn(GateBench& bench, const Task& task, const BuildResult& now,
                                   const BuildResult& before, uint64_t seed, double round_seconds) {
  const BoardTime time(bench);
  GateRounds rounds(round_seconds);
  GateDuel duel;
  int lost = 0;
  while (const int next = rounds.NextRun()) {
    if (bench.interrupted) return Interrupted();
    CandidateRunner runner(task, bench.executor, ++seed);
    const auto samples = runner.Interleave({now, before}, next, round_seconds);
    if (bench.interrupted && !samples.ok()) return Interrupted();
    if (!samples.ok()) {
      if (lost++ < 2) continue;
      duel.no_ratio = std::string(samples.status().message());
      break;
    }
    const std::vector<double>&a = samples->at(0), &b = samples->at(1);
    const std::string wrong = fmt::format("beside the other, on the inputs of seed {}", seed);
    if (a.empty()) duel.now_failed = GateSide{Outcome::kWrongResult, wrong};
    if (b.empty()) duel.before_failed = GateSide{Outcome::kWrongResult, wrong};
    if (a.empty() || b.empty()) return duel;
    rounds.Add(a, b);
  }
  duel.rounds = rounds.rounds();
  if (duel.rounds == 0) return duel;
  // What is known of fewer rounds than wanted is known.
  duel.no_ratio.clear();
  duel.now = rounds.now();
  duel.before = rounds.before();
  duel.ratio = rounds.ratio();
  duel.slower = rounds.slower();
  return duel;
}

}  // namespace halyard
