// What the gate lets into a library: of a variant and its predecessor in the last shipped library
// the new one, unless it is wrong or slower beyond the noise. Pure functions of what was measured.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "logs/record.h"
#include "tuner/final.h"

namespace halyard {

// The smallest difference that counts, as in ChooseWinner.
inline constexpr double kGateTolerance = 0.01;

enum class GateVerdict {
  kSame,     // the predecessor's config, and nothing that it is built with has changed
  kRebuilt,  // the predecessor's config, by another compiler
  kAdded,    // the shipped library has no variant of the workload
  kNew,      // another config: right, and not slower beyond the noise
  kKept,     // the predecessor's config ships on
  kLeftOut,  // nothing of it is right: the shape is served by the fall-back
};
inline constexpr std::array<std::string_view, 6> kGateVerdictNames = {
    "same", "rebuilt", "added", "new", "kept", "left_out"};
inline std::string_view GateVerdictName(GateVerdict v) {
  return kGateVerdictNames[static_cast<size_t>(v)];
}

// How one of the two configs ended on fresh inputs. `outcome`: ok, or what it was at fault for;
// an outcome of the infrastructure decides nothing and is none of these.
struct GateSide {
  Outcome outcome = Outcome::kOk;
  std::string message;  // unless ok

  bool ok() const { return outcome == Outcome::kOk; }
};

struct GateEvidence {
  bool shipped = false;       // the last library has a variant of the workload
  bool in_log = false;        // the log has a best config of it
  bool same_config = false;   // REQUIRES: both of these; of one version of the space
  bool same_compiler = true;  // as the shipped variant was measured and built with
  // Why the predecessor's config means nothing any more (its space is another now), or "".
  std::string predecessor_gone;
  // As far as they were run.
  std::optional<GateSide> now, before;
  // Time of the new config over its predecessor's, from rounds in turn: 95 % interval, or exact.
  std::optional<RatioInterval> ratio;
  bool slower = false;   // GateRounds, or the exact ratio, calls the new config slower
  std::string no_ratio;  // why both were right and there is none, or ""
};

enum class GateShips { kNothing, kNew, kPredecessor };

struct GateDecision {
  GateVerdict verdict = GateVerdict::kLeftOut;
  GateShips ships = GateShips::kNothing;
  std::string reason;  // "12 % slower", "wrong: ..."; "" where the verdict says it all
};

GateDecision DecideGate(const GateEvidence& evidence);

// A ratio that was counted, not timed, has no interval.
bool SlowerExactly(double ratio);

// Rounds of the two configs in turn, as many as it takes to tell. They come in runs: processes with
// memory and inputs of their own, since where memory happens to lie is part of a run's times.
// Within a run, a quiet sample of every few rounds makes a pair, so that a round that was disturbed
// is not the mean's.
class GateRounds {
 public:
  // `round_seconds`: of one round of both.
  explicit GateRounds(double round_seconds);

  // Rounds of the next run; 0: enough is known, or the most was spent.
  int NextRun() const;
  // Samples of a run, paired by round. REQUIRES: as many of each, at least one.
  void Add(const std::vector<double>& now, const std::vector<double>& before);

  // Of all runs. REQUIRES: there was one.
  RatioInterval ratio() const;
  // The whole interval over all runs says so, and the last run alone as well, which is not the
  // first: of many variants one or the other looks slower in one run by chance.
  bool slower() const;
  int rounds() const { return rounds_; }
  // Of the new config and its predecessor, all runs.
  const std::vector<double>& now() const { return now_; }
  const std::vector<double>& before() const { return before_; }

 private:
  bool decided() const;

  const double round_seconds_;
  const int rounds_in_pair_;
  int runs_ = 0, rounds_ = 0;
  std::vector<double> now_, before_;              // every round's
  std::vector<double> now_quiet_, before_quiet_;  // one of rounds_in_pair_ each
  RatioInterval last_{0, 0, 0};                   // of the last run alone
};

}  // namespace halyard
