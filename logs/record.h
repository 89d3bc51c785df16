// A record: one logged trial, with everything needed to reproduce or distrust its number.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "targets/device.h"

namespace halyard {

// Disjoint: a trial ends in exactly one of these.
enum class Outcome {
  kOk,
  kBuildError,
  kBuildTimeout,
  kResourceLimit,
  kWrongResult,
  kCrash,
  kRunTimeout,
  kUnstable,
  kBoardLost,
  kInfraError,
  kRejectedInput,
};
inline constexpr std::array<std::string_view, 11> kOutcomeNames = {
    "ok",          "build_error", "build_timeout", "resource_limit", "wrong_result",  "crash",
    "run_timeout", "unstable",    "board_lost",    "infra_error",    "rejected_input"};
inline std::string_view OutcomeName(Outcome o) { return kOutcomeNames[static_cast<size_t>(o)]; }
std::optional<Outcome> OutcomeFromName(std::string_view name);
// Not the candidate's fault: may be tried again.
inline bool IsInfrastructure(Outcome o) {
  return o == Outcome::kBoardLost || o == Outcome::kInfraError;
}

struct Record {
  int64_t id = 0;        // given by the log
  std::string workload;  // canonical text
  std::string config;    // ScheduleSpace::ToText
  int space_version = 1;
  std::string device;
  std::string board;
  BoardKind board_kind = BoardKind::kPhysical;
  std::string unit;             // "ns" | "virtual_cycles"
  std::vector<double> samples;  // empty unless a time was taken; never a sentinel
  Outcome outcome = Outcome::kInfraError;
  std::string message;
  std::string phase = "screening";  // "screening" | "final"
  std::string checks;               // checks passed, e.g. "probe:64,projection,guards,scan"
  std::string artifact_sha256;
  std::string compiler;  // name, version and flags
  int protocol = 0;
  std::string environment;
  uint64_t seed = 0;
  int64_t time_unix_ms = 0;
  // DeviceSnapshot of `device` as it was, on one line; shared by its records. Null: not known, as
  // of records of older logs.
  std::shared_ptr<const std::string> device_snapshot = nullptr;
  // What the search's cost model said of the config before it was measured, larger is better. None
  // where no model was asked (another strategy, one that ranked no better than chance, a final) and
  // in records of older logs.
  std::optional<double> predicted_score = std::nullopt;
  // The roof that the run which measured it went by: measured on the board, of a virtual one the
  // device file's. 0: not known, as of records of older logs.
  double peak_gflops = 0;
  double copy_gb_per_s = 0;

  // Median of samples; of an even number the lower of the middle ones, because what disturbs a
  // sample makes it slower. REQUIRES: outcome == kOk.
  double value() const;
};

}  // namespace halyard
