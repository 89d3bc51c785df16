// One workload at the gate: what is known of it, what has to be measured, what is decided.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tuner/gate/blame.h"
#include "tuner/gate/gate_bench.h"
#include "tuner/gate/gate_decision.h"
#include "tuner/gate/previous_library.h"

namespace halyard {

// A workload's way through the gate.
struct GatedVariant {
  std::string workload;
  std::optional<Record> proposed;         // the log's best of it
  std::optional<ShippedVariant> shipped;  // the last library's
  GateEvidence evidence;
  GateDecision decision;
  uint64_t seed = 0;  // of the first run's inputs; 0: nothing was run
  int rounds = 0;     // in turn
  // Of this gate's runs; empty where there were none.
  std::vector<double> now_samples, before_samples;
  BlameEvidence blame_evidence;
  BlameVerdict blame;

  // In the device's unit: this gate's median, or the record's. 0: there is none.
  double now_value() const;
  double before_value() const;
};

// What is being done, for people.
using ShowGate = std::function<void(const std::string&)>;

// Neither owned.
class VariantGate {
 public:
  VariantGate(GateBench& bench, const ShippedLibrary& previous, const ShowGate& show);

  // From `proposed`, `shipped` and what the evidence says of them to the decision and to the
  // evidence of what is to blame. Errors as PassGate's.
  absl::Status Examine(GatedVariant& v);

  // An unchanged variant that was not run, measured for what it tells of the board: its time over
  // its record's. Nothing where its code has changed after all or it has no time. REQUIRES: it was
  // decided to be kSame.
  absl::StatusOr<std::optional<RatioInterval>> DriftOf(const GatedVariant& v);

 private:
  bool exact() const;
  RatioInterval ToRecord(const ShippedVariant& shipped, const std::vector<double>& samples) const;
  uint64_t FreshSeed(const GatedVariant& v) const;
  absl::Status TakeStock(const Task& task, GatedVariant& v);
  absl::Status Measure(const Task& task, GatedVariant& v);
  absl::Status MeasureOne(const Task& task, GatedVariant& v, const Record& record,
                          std::optional<GateSide>& side);
  absl::Status MeasureBoth(const Task& task, GatedVariant& v);
  absl::Status MeasureInTurn(const Task& task, GatedVariant& v, const BuildResult& now_built,
                             const BuildResult& before_built, const GateRun& now,
                             const GateRun& before);

  GateBench& bench_;
  const ShippedLibrary& previous_;
  const ShowGate& show_;
  const std::string compiler_;  // as records have it
};

}  // namespace halyard
