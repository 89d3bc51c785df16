// What each knob of a config is worth, measured: its ablations built, checked and, where time is
// taken, run beside it in randomly interleaved rounds.
//
// Nothing is logged. These times come of rounds with a few others, in a process of their own, and
// say something beside the config of the same rounds alone: as screenings they would mislead a
// search that resumes and a model that learns from them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "rpc_farm/executor.h"
#include "schedules/task.h"
#include "tuner/builder.h"
#include "tuner/explain/ablation.h"
#include "tuner/final.h"

namespace halyard {

enum class Verdict {
  kCosts,         // the config's value of the knob is the better one
  kNoDifference,  // none beyond the noise, which is small, or none worth having
  kUnclear,       // too noisy to say even that
  kFaster,        // the search missed it
  kFailed,        // did not build, run or answer rightly: see the outcome
  kNotMeasured,   // interrupted before
};
inline constexpr std::array<std::string_view, 6> kVerdictNames = {
    "costs", "no_difference", "unclear", "faster", "failed", "not_measured"};
inline std::string_view VerdictName(Verdict v) { return kVerdictNames[static_cast<size_t>(v)]; }

// The smallest difference worth having, as in the final.
inline constexpr double kWorthHaving = 0.01;

// An interval that reaches further from 1 than this leaves room for what is worth having.
inline constexpr double kTooNoisy = 0.05;

// By the interval of a time over the config's: it lies beyond kWorthHaving on one side, or not, and
// then is one that tells or one that does not.
Verdict JudgeRatio(const RatioInterval& ratio);

struct AblationResult {
  Ablation ablation;
  Outcome outcome = Outcome::kInfraError;  // meaningful but for kNotMeasured
  std::string message;
  std::string artifact_sha256;
  // In the task's unit, paired by round with the config's: both empty unless ok.
  std::vector<double> samples, beside;
  RatioInterval ratio{0, 0, 0};  // of `samples` over `beside`, 95 %; exact on a virtual board
  Verdict verdict = Verdict::kNotMeasured;
  bool confirmed = false;  // measured in rounds again, because the first ones called it faster
};

struct AblationStudy {
  Config config;
  std::vector<double> samples;  // of the config, in all rounds; empty where interrupted before
  std::vector<AblationResult> results;  // in the order of the knobs
  int rounds = 0;                       // the most that any was measured in; 0 on a virtual board
  bool interrupted = false;

  double value() const;  // median of samples; REQUIRES: there are some
};

// Everything a study works with; none of it owned.
struct StudyBench {
  const Task& task;
  Builder& builder;
  Executor& executor;
  const std::atomic<bool>& interrupted;
  uint64_t seed = 1;  // of the inputs and the order in rounds
  int rounds = 15;    // at most; slow ones, which differ clearly, get fewer, five at least
};

// "building 16 of 42", "5 rounds of 8"
using ShowPhase = std::function<void(const std::string& what)>;

// An ablation that fails is a result. Stops where it is when interrupted. FailedPrecondition: the
// config itself does not build, run or answer rightly; Unavailable: the board is lost.
absl::StatusOr<AblationStudy> StudyAblations(const StudyBench& bench, const Config& config,
                                             const std::vector<KnobAblations>& chosen,
                                             const ShowPhase& show);

}  // namespace halyard
