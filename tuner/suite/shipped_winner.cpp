#include "tuner/suite/shipped_winner.h"

#include <algorithm>
#include <cmath>

#include "fmt/format.h"
#include "tuner/suite/suite_summary.h"
#include "tuner/task_records.h"

namespace halyard {
namespace {

constexpr char kAgainMessage[] = "the shipped winner again";
constexpr int kSamples = 15;
// Two runs of one code: on a board that is timed, days apart and by itself; counts repeat.
constexpr double kSameTime = 0.05, kSameCount = 0.001;
// Beyond the seeds that people give and the gate takes.
constexpr uint64_t kSeed = uint64_t{1} << 40;

std::string CompilerOf(const Workbench& bench) {
  return RecordedCompiler(bench.builder.compiler(), bench.task.device);
}

WinnerAgain AgainFrom(Record record, const ShippedWinner& winner) {
  WinnerAgain again{std::move(record)};
  if (again.record.outcome == Outcome::kOk) {
    again.ratio = again.record.value() / winner.shipped->record.value();
    const double most = IsTimed(again.record.board_kind) ? kSameTime : kSameCount;
    again.moved = std::abs(again.ratio - 1) > most;
  } else {
    again.moved =
        !IsInfrastructure(again.record.outcome) && again.record.outcome != Outcome::kUnstable;
  }
  return again;
}

}  // namespace

std::string WinnerAgain::message() const {
  if (record.outcome != Outcome::kOk) {
    return fmt::format("{}: {}", OutcomeName(record.outcome), record.message);
  }
  const double percent = 100 * (ratio - 1);
  if (std::abs(percent) < 0.05) return kAsShipped;
  return fmt::format("{:.1f} % {} than shipped", std::abs(percent),
                     percent > 0 ? "slower" : "faster");
}

absl::StatusOr<ShippedWinner> FindShippedWinner(const Workbench& bench,
                                                const ShippedLibrary* previous) {
  ShippedWinner winner;
  const Task& task = bench.task;
  const std::string workload = task.workload.ToText();
  if (previous == nullptr) return winner;
  for (const ShippedVariant& v : previous->variants) {
    if (v.record.workload == workload) winner.shipped = &v;
  }
  if (winner.shipped == nullptr) return winner;
  const Record& then = winner.shipped->record;
  if (auto config = task.space.Parse(then.config); config.ok() && task.space.valid(*config)) {
    winner.config = *std::move(config);
  }
  if (then.space_version != task.space.version() || !winner.config) {
    winner.change = TaskChange::kSpace;
    return winner;
  }
  if (then.protocol != SampleProtocol(then.board_kind)) return winner;
  RecordFilter filter = RecordsOfTask(task);
  filter.outcome = Outcome::kOk;
  const auto logged = bench.log.Query(filter);
  if (!logged.ok()) return logged.status();
  bool known = false, by_this_compiler = false;
  for (const Record& r : *logged) {
    if (r.config != then.config) continue;
    known = known || r.time_unix_ms == then.time_unix_ms;
    by_this_compiler = by_this_compiler || r.compiler == CompilerOf(bench);
  }
  if (!known) return winner;
  const bool same = by_this_compiler && previous->compiler == bench.builder.compiler();
  winner.change = same ? TaskChange::kNone : TaskChange::kCompiler;
  return winner;
}

absl::StatusOr<WinnerAgain> MeasureAgain(const Workbench& bench, const ShippedWinner& winner) {
  const Task& task = bench.task;
  const std::vector<BuildResult> built =
      bench.builder.Build({{BuildKind::kConfig, task.workload.ToText(),
                            task.space.ToText(*winner.config), task.device.loaded_from}});
  Record r = RecordOf(bench, bench.executor, *winner.config);
  r.seed = kSeed + bench.options.seed;
  r.artifact_sha256 = built[0].sha256;
  r.phase = "final";
  MeasureResult m{built[0].outcome, built[0].message, {}, ""};
  if (m.outcome == Outcome::kOk) {
    TimingPolicy policy;
    policy.samples = kSamples;
    m = CandidateRunner(task, bench.executor, r.seed).Measure(*winner.config, built[0], policy);
  }
  r.outcome = m.outcome;
  r.message = m.outcome == Outcome::kOk ? kAgainMessage : m.message;
  r.samples = m.samples;
  r.checks = m.checks;
  std::vector<Record> one = {std::move(r)};
  if (auto s = bench.log.Append(one); !s.ok()) return s;
  if (one[0].outcome == Outcome::kBoardLost) return absl::UnavailableError(one[0].message);
  return AgainFrom(std::move(one[0]), winner);
}

absl::StatusOr<std::optional<WinnerAgain>> MeasuredSince(const Workbench& bench,
                                                         const ShippedWinner& winner,
                                                         int64_t unix_ms) {
  const auto logged = bench.log.Query(RecordsOfTask(bench.task));
  if (!logged.ok()) return logged.status();
  const std::string config = bench.task.space.ToText(*winner.config);
  for (auto r = logged->rbegin(); r != logged->rend(); ++r) {
    if (r->time_unix_ms < unix_ms) break;
    if (r->config != config || r->phase != "final" || IsInfrastructure(r->outcome)) continue;
    if (r->compiler != CompilerOf(bench)) continue;
    return AgainFrom(*r, winner);
  }
  return std::nullopt;
}

}  // namespace halyard
