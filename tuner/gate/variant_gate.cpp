#include "tuner/gate/variant_gate.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "rpc_farm/sha256.h"
#include "tuner/task_records.h"

namespace halyard {
namespace {

// What RunInTurn asks for beside the two runs alone: one for each run.
constexpr uint64_t kSeedsOfVariant = 16;

// By the bytes that the record's time is of.
bool IsSameCode(const ShippedVariant& shipped, const BuildResult& built) {
  return built.outcome == Outcome::kOk && built.sha256 == shipped.record.artifact_sha256;
}

}  // namespace

double GatedVariant::now_value() const {
  if (!now_samples.empty()) return MedianSample(now_samples);
  return proposed ? proposed->value() : 0;
}

double GatedVariant::before_value() const {
  if (!before_samples.empty()) return MedianSample(before_samples);
  return shipped ? shipped->record.value() : 0;
}

VariantGate::VariantGate(GateBench& bench, const ShippedLibrary& previous, const ShowGate& show)
    : bench_(bench),
      previous_(previous),
      show_(show),
      compiler_(RecordedCompiler(bench.builder.compiler(), bench.device)) {}

absl::Status VariantGate::Examine(GatedVariant& v) {
  const auto workload = ParseWorkload(v.workload);
  if (!workload.ok()) {
    v.evidence.predecessor_gone =
        "its workload cannot be read: " + std::string(workload.status().message());
    v.decision = DecideGate(v.evidence);
    return absl::OkStatus();
  }
  const Task task = MakeTask(*workload, bench_.device);
  if (auto s = TakeStock(task, v); !s.ok()) return s;
  if (auto s = Measure(task, v); !s.ok()) return s;
  if (v.shipped && v.seed != 0) {
    // A board tells its conditions once something has run on it.
    const Record& then = v.shipped->record;
    v.blame_evidence.board_change = BoardChange(
        then.board, then.environment, bench_.executor.board_id(), bench_.executor.environment());
  }
  v.decision = DecideGate(v.evidence);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<RatioInterval>> VariantGate::DriftOf(const GatedVariant& v) {
  const Task task = MakeTask(ParseWorkload(v.workload).value(), bench_.device);
  show_("measuring " + v.workload + " again, which has not changed");
  const auto built = BuildForGate(bench_, task, v.shipped->record.config);
  if (!built.ok()) return built.status();
  std::optional<RatioInterval> drift;
  if (!IsSameCode(*v.shipped, *built)) return drift;
  const auto run = RunAlone(bench_, task, v.shipped->record.config, *built, FreshSeed(v), false);
  if (!run.ok()) return run.status();
  if (!run->samples.empty()) drift = ToRecord(*v.shipped, run->samples);
  return drift;
}

bool VariantGate::exact() const { return !IsTimed(bench_.executor.board_kind()); }

RatioInterval VariantGate::ToRecord(const ShippedVariant& shipped,
                                    const std::vector<double>& samples) const {
  return RatioToRecord(samples, shipped.record.value(), shipped.record_samples, exact());
}

uint64_t VariantGate::FreshSeed(const GatedVariant& v) const {
  const std::string digest = Sha256Hex(previous_.manifest_sha256 + v.workload);
  // Beyond what a person types; and for the rare rest, no seed of either record.
  uint64_t seed = (uint64_t{1} << 32) + std::stoull(digest.substr(0, 8), nullptr, 16);
  const auto is_used = [&](const Record& r) {
    return r.seed >= seed && r.seed < seed + kSeedsOfVariant;
  };
  while ((v.proposed && is_used(*v.proposed)) || (v.shipped && is_used(v.shipped->record))) {
    seed += kSeedsOfVariant;
  }
  return seed;
}

// What is known before anything is run.
absl::Status VariantGate::TakeStock(const Task& task, GatedVariant& v) {
  if (!v.shipped) return absl::OkStatus();
  const Record& then = v.shipped->record;
  GateEvidence& e = v.evidence;
  e.same_config = v.proposed && v.proposed->config == then.config;
  e.same_compiler = then.compiler == compiler_ && previous_.compiler == bench_.builder.compiler();
  if (then.space_version != task.space.version()) {
    e.predecessor_gone = fmt::format("its predecessor is of space version {}, now {}",
                                     then.space_version, task.space.version());
  } else if (const auto config = task.space.Parse(then.config); !config.ok()) {
    e.predecessor_gone =
        "its predecessor cannot be built: " + std::string(config.status().message());
  } else if (const std::string why = task.space.why_invalid(*config); !why.empty()) {
    e.predecessor_gone = "its predecessor cannot be built: " + why;
  }
  v.blame_evidence.compiler_change = ChangeText(then.compiler, compiler_);
  RecordFilter wrong = RecordsOfTask(task);
  wrong.outcome = Outcome::kWrongResult;
  const auto logged = bench_.log.Query(wrong);
  if (!logged.ok()) return logged.status();
  for (const Record& r : *logged) {
    if (r.config != then.config || e.same_config) continue;
    e.before = GateSide{Outcome::kWrongResult,
                        fmt::format("by record {} of the log: {}", r.id, r.message)};
  }
  v.blame_evidence.predecessor_gone = !e.predecessor_gone.empty() || e.before;
  return absl::OkStatus();
}

absl::Status VariantGate::Measure(const Task& task, GatedVariant& v) {
  GateEvidence& e = v.evidence;
  const bool has_predecessor = e.shipped && e.predecessor_gone.empty() && !e.before;
  if (has_predecessor && e.in_log && !e.same_config) return MeasureBoth(task, v);
  if (e.in_log) return MeasureOne(task, v, *v.proposed, e.now);
  if (has_predecessor) return MeasureOne(task, v, v.shipped->record, e.before);
  return absl::OkStatus();
}

// One config and nothing to compare it with but its own record.
absl::Status VariantGate::MeasureOne(const Task& task, GatedVariant& v, const Record& record,
                                     std::optional<GateSide>& side) {
  const bool shipped_config =
      v.shipped && record.config == v.shipped->record.config && v.evidence.predecessor_gone.empty();
  if (shipped_config && v.evidence.same_compiler) return absl::OkStatus();
  show_("checking " + v.workload);
  const auto built = BuildForGate(bench_, task, record.config);
  if (!built.ok()) return built.status();
  if (shipped_config && IsSameCode(*v.shipped, *built)) {
    // Another compiler that makes the same of it.
    v.evidence.same_compiler = true;
    return absl::OkStatus();
  }
  v.seed = FreshSeed(v);
  const auto run = RunAlone(bench_, task, record.config, *built, v.seed, !v.shipped);
  if (!run.ok()) return run.status();
  side = run->side;
  v.now_samples = run->samples;
  if (!v.shipped || run->samples.empty()) return absl::OkStatus();
  BlameEvidence& b = v.blame_evidence;
  b.new_to_record = ToRecord(*v.shipped, run->samples);
  if (shipped_config) b.predecessor_to_record = b.new_to_record;
  return absl::OkStatus();
}

absl::Status VariantGate::MeasureBoth(const Task& task, GatedVariant& v) {
  GateEvidence& e = v.evidence;
  const std::string &now_config = v.proposed->config, &before_config = v.shipped->record.config;
  show_("building " + v.workload + " and its predecessor");
  const auto now_built = BuildForGate(bench_, task, now_config);
  if (!now_built.ok()) return now_built.status();
  const auto before_built = BuildForGate(bench_, task, before_config);
  if (!before_built.ok()) return before_built.status();
  v.seed = FreshSeed(v);
  const auto now = RunAlone(bench_, task, now_config, *now_built, v.seed, true);
  if (!now.ok()) return now.status();
  const auto before = RunAlone(bench_, task, before_config, *before_built, v.seed, true);
  if (!before.ok()) return before.status();
  e.now = now->side;
  e.before = before->side;
  v.blame_evidence.same_code = IsSameCode(*v.shipped, *before_built);
  if (!e.now->ok() || !e.before->ok()) return absl::OkStatus();
  if (exact()) {
    v.now_samples = now->samples;
    v.before_samples = before->samples;
    const double ratio = v.now_samples[0] / v.before_samples[0];
    e.ratio = RatioInterval{ratio, ratio, ratio};
    e.slower = SlowerExactly(ratio);
  } else if (auto s = MeasureInTurn(task, v, *now_built, *before_built, *now, *before); !s.ok()) {
    return s;
  }
  if (v.now_samples.empty()) return absl::OkStatus();
  BlameEvidence& b = v.blame_evidence;
  b.new_to_predecessor = e.ratio;
  b.new_to_record = ToRecord(*v.shipped, v.now_samples);
  b.predecessor_to_record = ToRecord(*v.shipped, v.before_samples);
  return absl::OkStatus();
}

absl::Status VariantGate::MeasureInTurn(const Task& task, GatedVariant& v,
                                        const BuildResult& now_built,
                                        const BuildResult& before_built, const GateRun& now,
                                        const GateRun& before) {
  GateEvidence& e = v.evidence;
  e.no_ratio = now.unstable.empty() ? before.unstable : now.unstable;
  if (!e.no_ratio.empty()) return absl::OkStatus();
  // A warm-up call may precede each sample, and a sample lasts 2 ms at least.
  const double round = std::max(2e-9 * (now.samples[0] + before.samples[0]), 0.008);
  show_("in turn: " + v.workload + " and its predecessor");
  auto duel = RunInTurn(bench_, task, now_built, before_built, v.seed, round);
  if (!duel.ok()) return duel.status();
  if (duel->now_failed) e.now = duel->now_failed;
  if (duel->before_failed) e.before = duel->before_failed;
  e.ratio = duel->ratio;
  e.slower = duel->slower;
  e.no_ratio = duel->no_ratio;
  v.rounds = duel->rounds;
  v.now_samples = std::move(duel->now);
  v.before_samples = std::move(duel->before);
  return absl::OkStatus();
}

}  // namespace halyard
