#include "tuner/gate/gate.h"

#include <algorithm>
#include <map>
#include <utility>

#include "tuner/task_records.h"

namespace halyard {
namespace {

// The predecessor's own record where the log has it, which has all its samples.
absl::StatusOr<Variant> PredecessorToShip(const GateBench& bench, const ShippedVariant& shipped) {
  Variant variant{shipped.record, ParseWorkload(shipped.record.workload).value()};
  variant.record_samples = shipped.record_samples;
  RecordFilter filter = RecordsOfTask(MakeTask(variant.workload, bench.device));
  filter.outcome = Outcome::kOk;
  const auto logged = bench.log.Query(filter);
  if (!logged.ok()) return logged.status();
  for (const Record& r : *logged) {
    if (r.config != shipped.record.config || r.time_unix_ms != shipped.record.time_unix_ms ||
        r.value() != shipped.record.value()) {
      continue;
    }
    variant.record = r;
    variant.record_samples.reset();
  }
  return variant;
}

// Finds the cause of each that got slower. The drift of the board is what unchanged code shows: of
// predecessors that were run anyway, or else of a variant that ships as it is.
absl::Status FindCauses(VariantGate& gate, std::vector<GatedVariant>& variants) {
  std::optional<RatioInterval> drift;
  for (const GatedVariant& v : variants) {
    const BlameEvidence& b = v.blame_evidence;
    if (!b.same_code || !b.predecessor_to_record) continue;
    const auto width = [](const RatioInterval& r) { return r.high / r.low; };
    if (!drift || width(*b.predecessor_to_record) < width(*drift)) drift = b.predecessor_to_record;
  }
  const auto needs_drift = [](const GatedVariant& v) {
    const BlameEvidence& b = v.blame_evidence;
    const auto& slower = b.predecessor_gone ? b.new_to_record : b.predecessor_to_record;
    return !b.same_code && slower && slower->low > 1 + kGateTolerance;
  };
  if (!drift && std::any_of(variants.begin(), variants.end(), needs_drift)) {
    for (const GatedVariant& v : variants) {
      if (drift || v.decision.verdict != GateVerdict::kSame) continue;
      const auto measured = gate.DriftOf(v);
      if (!measured.ok()) return measured.status();
      drift = *measured;
    }
  }
  for (GatedVariant& v : variants) {
    v.blame_evidence.drift = drift;
    v.blame = FindBlame(v.blame_evidence);
  }
  return absl::OkStatus();
}

GateNote NoteOf(const GatedVariant& v, const ShippedLibrary& previous) {
  GateNote note;
  note.verdict = GateVerdictName(v.decision.verdict);
  note.reason = v.decision.reason;
  note.against_sha256 = previous.manifest_sha256;
  note.seed = v.seed;
  note.rounds = v.rounds;
  if (v.evidence.ratio) {
    note.ratio = v.evidence.ratio->mean;
    note.ratio_low = v.evidence.ratio->low;
    note.ratio_high = v.evidence.ratio->high;
  }
  return note;
}

}  // namespace

absl::StatusOr<GateReport> PassGate(GateBench& bench, ShippedLibrary previous, LibrarySpec& spec,
                                    const ShowGate& show) {
  GateReport report{std::move(previous), {}, 0};
  std::map<std::string, GatedVariant> by_workload;
  for (const Variant& v : spec.variants) {
    GatedVariant& gated = by_workload[v.record.workload];
    gated.proposed = v.record;
    gated.evidence.in_log = true;
  }
  for (const ShippedVariant& s : report.previous.variants) {
    GatedVariant& gated = by_workload[s.record.workload];
    gated.shipped = s;
    gated.evidence.shipped = true;
  }
  VariantGate gate(bench, report.previous, show);
  for (auto& [workload, v] : by_workload) {
    v.workload = workload;
    if (auto s = gate.Examine(v); !s.ok()) return s;
    report.variants.push_back(std::move(v));
  }
  if (auto s = FindCauses(gate, report.variants); !s.ok()) return s;
  spec.variants.clear();
  for (const GatedVariant& v : report.variants) {
    if (v.decision.ships == GateShips::kNothing) continue;
    absl::StatusOr<Variant> variant;
    if (v.decision.ships == GateShips::kPredecessor) {
      variant = PredecessorToShip(bench, *v.shipped);
      if (!variant.ok()) return variant.status();
    } else {
      variant = Variant{*v.proposed, ParseWorkload(v.workload).value()};
    }
    variant->gate = NoteOf(v, report.previous);
    spec.variants.push_back(*std::move(variant));
  }
  report.board_seconds = bench.board_seconds;
  return report;
}

}  // namespace halyard
