#include "tuner/candidate_runner.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "fmt/format.h"
#include "targets/counted_cycles.h"
#include "targets/counter_rng.h"

namespace halyard {
namespace {

constexpr int kProbePoints = 64;
// The slowest of the samples may take this many times the fastest before they say nothing.
constexpr double kLargestSpread = 2.0;
// Stream of the probe points; inputs use streams from 0, the projection 1000 and up.
constexpr uint64_t kPointStream = 500;

Outcome OutcomeOf(RunStatus status) {
  switch (status) {
    case RunStatus::kOk:
      return Outcome::kOk;
    case RunStatus::kCrash:
      return Outcome::kCrash;
    case RunStatus::kTimeout:
      return Outcome::kRunTimeout;
    case RunStatus::kResource:
      return Outcome::kResourceLimit;
    case RunStatus::kBoardLost:
      return Outcome::kBoardLost;
    case RunStatus::kUnstable:
      return Outcome::kUnstable;
    case RunStatus::kRejected:
      return Outcome::kRejectedInput;
    case RunStatus::kInfra:
      break;
  }
  return Outcome::kInfraError;
}

bool Noisy(const std::vector<double>& samples) {
  if (samples.size() < 3) return false;
  std::vector<double> sorted = samples;
  std::sort(sorted.begin(), sorted.end());
  // The median against the fastest: a lone interrupted sample does not make a measurement noisy.
  return sorted[sorted.size() / 2] > kLargestSpread * sorted.front();
}

}  // namespace

std::string UnitOf(BoardKind kind) { return IsTimed(kind) ? "ns" : "virtual_cycles"; }

Expectation Expect(const Operator& op, const Workload& workload, uint64_t seed) {
  Expectation e;
  const InputReader in = [seed](int input, int64_t index) {
    return static_cast<double>(
        CounterUniform(seed, static_cast<uint64_t>(input), static_cast<uint64_t>(index)));
  };
  const int64_t elements = op.OutputShape(workload).elements();
  // The corners are where tails go wrong; the rest is drawn.
  e.points = {0, elements - 1};
  for (int i = 2; i < kProbePoints; i++) {
    e.points.push_back(
        static_cast<int64_t>(CounterBits(seed, kPointStream, static_cast<uint64_t>(i)) %
                             static_cast<uint64_t>(elements)));
  }
  std::sort(e.points.begin(), e.points.end());
  e.points.erase(std::unique(e.points.begin(), e.points.end()), e.points.end());
  for (int64_t p : e.points) e.values.push_back(op.Reference(workload, in, p));
  e.projection = op.Projection(workload, in, seed);
  e.tolerance = op.Tolerance(workload);
  // Signs are independent of the rounding, so errors of elements add as a random walk.
  e.projection_tolerance = e.tolerance * std::sqrt(static_cast<double>(elements));
  return e;
}

std::string WhyWrong(const Expectation& expected, const EntryResult& got) {
  if (!got.guards_intact) return "wrote outside its output";
  if (!got.inputs_intact) return "changed an input";
  if (got.poison_left > 0) return fmt::format("left {} output elements unwritten", got.poison_left);
  if (got.non_finite > 0)
    return fmt::format("{} output elements are NaN or infinite", got.non_finite);
  if (!got.reruns_agree) return "left another output when it was timed than when it was checked";
  if (got.probe_values.size() != expected.points.size()) return "did not report every probe point";
  for (size_t i = 0; i < expected.points.size(); i++) {
    const double error = std::fabs(static_cast<double>(got.probe_values[i]) - expected.values[i]);
    if (!(error <= expected.tolerance)) {
      return fmt::format("element {} is {:.9g}, should be {:.9g} (tolerance {:.2g})",
                         expected.points[i], got.probe_values[i], expected.values[i],
                         expected.tolerance);
    }
  }
  if (expected.projection) {
    const double error = std::fabs(got.projection - *expected.projection);
    if (!(error <= expected.projection_tolerance)) {
      return fmt::format("the projection of the whole output is {:.9g}, should be {:.9g}",
                         got.projection, *expected.projection);
    }
  }
  return "";
}

absl::StatusOr<double> VirtualCycles(const ProbePlan& plan, const std::vector<EntryResult>& probes,
                                     const std::vector<int>& cores) {
  const EntryResult& small = probes.front();
  const EntryResult& large = probes.back();
  if (small.regions.size() != large.regions.size()) {
    return absl::InternalError("probes of two sizes started different parallel loops");
  }
  auto whole = [&](double s, double l) { return plan.repeat * (s + (l - s) * plan.slope); };
  EntryResult all;
  all.serial_cycles = whole(small.serial_cycles, large.serial_cycles);
  for (size_t i = 0; i < small.regions.size(); i++) {
    const ParallelRegion &s = small.regions[i], &l = large.regions[i];
    if (s.cycles.size() != cores.size() || l.cycles.size() != cores.size()) {
      return absl::InternalError("a parallel loop was not counted for every kind of core");
    }
    ParallelRegion& region = all.regions.emplace_back();
    region.tasks = std::llround(whole(static_cast<double>(s.tasks), static_cast<double>(l.tasks)));
    for (size_t k = 0; k < cores.size(); k++) {
      region.cycles.push_back(whole(s.cycles[k], l.cycles[k]));
    }
    region.memory_cycles = whole(s.memory_cycles, l.memory_cycles);
  }
  return CountedCycles(all, cores);
}

const Expectation& CandidateRunner::ExpectationOf(const Workload& workload) {
  const std::string text = workload.ToText();
  const auto found = expectations_.find(text);
  if (found != expectations_.end()) return found->second;
  return expectations_[text] = Expect(*task_.op, workload, seed_);
}

MeasureResult CandidateRunner::MeasureOnce(const Config& config, const BuildResult& built,
                                           const TimingPolicy& policy) {
  const bool is_virtual = executor_.board_kind() == BoardKind::kVirtual;
  ProbePlan plan{{task_.workload}, 0, 1};
  if (is_virtual) plan = task_.op->Probe(task_.workload, task_.device, task_.space.view(config));

  RunRequest request;
  request.mode = is_virtual ? RunMode::kCount : RunMode::kMeasure;
  request.seed = seed_;
  request.threads = task_.device.cores;
  // As runs one after another find them: the whole's operands, not the probe's, have to fit.
  request.caches_warm = is_virtual && task_.op->Bytes(task_.workload) <=
                                          static_cast<double>(task_.device.last_level_bytes());
  request.timing = policy;
  request.candidates = {{built.path, built.entries}};
  for (size_t i = 0; i < plan.sizes.size(); i++) {
    const Expectation& e = ExpectationOf(plan.sizes[i]);
    request.candidates[0].entries[i].probe_points = e.points;
    request.candidates[0].entries[i].projection = e.projection.has_value();
  }
  const std::chrono::milliseconds deadline(is_virtual ? 120'000 : 60'000);
  const RunOutcome run = executor_.Run(request, deadline);
  MeasureResult m;
  m.outcome = OutcomeOf(run.status);
  m.message = run.message;
  // A void time says nothing against the answer, and a wrong one stays wrong.
  const bool unstable = run.status == RunStatus::kUnstable;
  if (run.status != RunStatus::kOk && !unstable) return m;

  const std::vector<EntryResult>& entries = run.reply.candidates.at(0);
  for (size_t i = 0; i < entries.size(); i++) {
    if (entries[i].kernel_error != 0) {
      m.outcome = Outcome::kRejectedInput;
      m.message =
          fmt::format("kernel returned {}: {}", entries[i].kernel_error, entries[i].kernel_message);
      return m;
    }
    const Expectation& e = ExpectationOf(plan.sizes[i]);
    if (const std::string why = WhyWrong(e, entries[i]); !why.empty()) {
      m.outcome = Outcome::kWrongResult;
      m.message = why;
      return m;
    }
    m.checks = fmt::format("probe:{}{},poison,guards,finite,inputs", e.points.size(),
                           e.projection ? ",projection" : "");
  }
  if (unstable) return m;
  if (is_virtual) {
    std::vector<int> cores;
    for (const ClusterModel& c : task_.device.virtual_board.model.clusters) {
      cores.push_back(c.cores);
    }
    const absl::StatusOr<double> cycles = VirtualCycles(plan, entries, cores);
    if (!cycles.ok()) {
      return {Outcome::kInfraError, std::string(cycles.status().message()), {}, ""};
    }
    m.samples = {*cycles};
  } else {
    m.samples = entries[0].samples_ns;
    if (m.samples.empty()) return {Outcome::kInfraError, "the runner took no sample", {}, ""};
  }
  return m;
}

MeasureResult CandidateRunner::Measure(const Config& config, const BuildResult& built,
                                       const TimingPolicy& policy) {
  // Infrastructure losses and noisy or void measurements are tried again twice at most, a
  // candidate's own fault never.
  int losses = 0, noisy = 0;
  while (true) {
    MeasureResult m = MeasureOnce(config, built, policy);
    if (IsInfrastructure(m.outcome) && losses++ < 2) continue;
    if (m.outcome == Outcome::kOk && Noisy(m.samples)) {
      if (noisy++ < 2) continue;
      m.outcome = Outcome::kUnstable;
      m.message = "samples differ too much to say a time, three times over";
    } else if (m.outcome == Outcome::kUnstable && noisy++ < 2) {
      continue;
    }
    return m;
  }
}

absl::StatusOr<std::vector<std::vector<double>>> CandidateRunner::Interleave(
    const std::vector<BuildResult>& built, int rounds, double round_seconds) {
  RunRequest request;
  request.mode = RunMode::kInterleave;
  request.seed = seed_;
  request.threads = task_.device.cores;
  request.rounds = rounds;
  const Expectation& e = ExpectationOf(task_.workload);
  for (const BuildResult& b : built) {
    request.candidates.push_back({b.path, b.entries});
    request.candidates.back().entries[0].probe_points = e.points;
    request.candidates.back().entries[0].projection = e.projection.has_value();
  }
  // Each sample is preceded by a warm-up call; checks and input generation come on top.
  const double expected_seconds = 30 + 4 * round_seconds * (rounds + 2);
  const std::chrono::milliseconds deadline(static_cast<int64_t>(1000 * expected_seconds));
  RunOutcome run = executor_.Run(request, deadline);
  for (int again = 0; run.status == RunStatus::kUnstable && again < 2; again++) {
    run = executor_.Run(request, deadline);
  }
  if (run.status != RunStatus::kOk) return absl::UnavailableError(run.message);
  std::vector<std::vector<double>> samples;
  for (size_t i = 0; i < built.size(); i++) {
    const EntryResult& entry = run.reply.candidates.at(i).at(0);
    const std::string why = entry.kernel_error != 0 ? entry.kernel_message : WhyWrong(e, entry);
    // One that is wrong now was wrong by chance before: it has no time.
    samples.push_back(why.empty() ? entry.samples_ns : std::vector<double>{});
  }
  return samples;
}

}  // namespace halyard
