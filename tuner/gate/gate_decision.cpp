#include "tuner/gate/gate_decision.h"

#include <algorithm>
#include <cmath>

#include "fmt/format.h"

namespace halyard {
namespace {

// Of five samples the second fastest: what disturbs a sample makes it slower, so three may be
// disturbed, and one that was lucky is not taken for the time. Samples of a slow kernel are means
// over long times already.
constexpr int kRoundsInPair = 5;
constexpr double kSlowRoundSeconds = 0.5;
// Pairs of a first run; each later one has as many as all before it, up to the most. Six pairs show
// a difference of 10 % where times vary by some percent.
constexpr int kFewestPairs = 6, kMostPairs = 24;
constexpr int kMostRuns = 6;
constexpr double kClearlySlower = 1.05;
// What one variant may take, all its runs: beyond, three pairs a run are as good as it gets.
constexpr double kMostSeconds = 60;
constexpr int kPairsOfSlow = 3;

double QuietSample(std::vector<double> samples) {
  const auto at = samples.begin() + static_cast<std::ptrdiff_t>((samples.size() - 1) / 4);
  std::nth_element(samples.begin(), at, samples.end());
  return *at;
}

std::string Failed(const GateSide& side) {
  if (side.outcome == Outcome::kWrongResult) return "wrong: " + side.message;
  return fmt::format("{}: {}", OutcomeName(side.outcome), side.message);
}

GateDecision DecideAlone(const GateEvidence& e, GateVerdict verdict, const std::string& why) {
  if (e.now && !e.now->ok()) return {GateVerdict::kLeftOut, GateShips::kNothing, Failed(*e.now)};
  return {verdict, GateShips::kNew, why};
}

// A predecessor that ships as it is or not at all.
GateDecision DecidePredecessor(const GateEvidence& e, const std::string& why) {
  if (e.before && !e.before->ok()) {
    return {GateVerdict::kLeftOut, GateShips::kNothing,
            fmt::format("{}; its predecessor {}", why, Failed(*e.before))};
  }
  return {GateVerdict::kKept, GateShips::kPredecessor, why};
}

}  // namespace

GateDecision DecideGate(const GateEvidence& e) {
  if (!e.shipped) return DecideAlone(e, GateVerdict::kAdded, "");
  if (!e.in_log) {
    const std::string why = "not in the log";
    if (e.predecessor_gone.empty()) return DecidePredecessor(e, why);
    return {GateVerdict::kLeftOut, GateShips::kNothing, why + "; " + e.predecessor_gone};
  }
  if (!e.predecessor_gone.empty()) return DecideAlone(e, GateVerdict::kNew, e.predecessor_gone);
  if (e.same_config) {
    return DecideAlone(e, e.same_compiler ? GateVerdict::kSame : GateVerdict::kRebuilt, "");
  }
  if (e.now && !e.now->ok()) return DecidePredecessor(e, Failed(*e.now));
  if (e.before && !e.before->ok()) {
    return {GateVerdict::kNew, GateShips::kNew, "its predecessor " + Failed(*e.before)};
  }
  // Right, but never timed beside what it would replace.
  if (!e.ratio) return DecidePredecessor(e, "not timed: " + e.no_ratio);
  if (e.slower) {
    return DecidePredecessor(
        e, fmt::format("{:.{}f} % slower", 100 * (e.ratio->mean - 1), e.ratio->mean < 1.1 ? 1 : 0));
  }
  return {GateVerdict::kNew, GateShips::kNew, ""};
}

bool SlowerExactly(double ratio) { return ratio > 1 + kGateTolerance; }

GateRounds::GateRounds(double round_seconds)
    : round_seconds_(round_seconds),
      rounds_in_pair_(round_seconds > kSlowRoundSeconds ? 1 : kRoundsInPair) {}

RatioInterval GateRounds::ratio() const { return PairedRatio(now_quiet_, before_quiet_); }

bool GateRounds::slower() const {
  // By a few percent two runs may differ from two others for where their memory happens to lie.
  const int runs_needed = ratio().mean < kClearlySlower ? 3 : 2;
  return runs_ >= runs_needed && ratio().low > 1 + kGateTolerance && last_.low > 1 + kGateTolerance;
}

bool GateRounds::decided() const {
  return slower() || (runs_ > 0 && ratio().high < 1 + kGateTolerance);
}

int GateRounds::NextRun() const {
  if (decided() || runs_ >= kMostRuns) return 0;
  const auto known = static_cast<int>(now_quiet_.size());
  const int rounds = rounds_in_pair_ * std::clamp(known, kFewestPairs, kMostPairs);
  // Two runs there are whatever they take: after one nothing is slower.
  const double seconds_left = kMostSeconds - round_seconds_ * rounds_;
  if (rounds * round_seconds_ <= seconds_left) return rounds;
  return runs_ < 2 ? rounds_in_pair_ * kPairsOfSlow : 0;
}

void GateRounds::Add(const std::vector<double>& now, const std::vector<double>& before) {
  std::vector<double> now_here, before_here;
  const size_t rounds = std::min(now.size(), before.size());
  const auto step = static_cast<size_t>(rounds_in_pair_);
  for (size_t begin = 0; begin < rounds; begin += step) {
    const auto from = static_cast<std::ptrdiff_t>(begin);
    const auto to = static_cast<std::ptrdiff_t>(std::min(begin + step, rounds));
    now_here.push_back(QuietSample({now.begin() + from, now.begin() + to}));
    before_here.push_back(QuietSample({before.begin() + from, before.begin() + to}));
  }
  last_ = PairedRatio(now_here, before_here);
  now_.insert(now_.end(), now.begin(), now.end());
  before_.insert(before_.end(), before.begin(), before.end());
  now_quiet_.insert(now_quiet_.end(), now_here.begin(), now_here.end());
  before_quiet_.insert(before_quiet_.end(), before_here.begin(), before_here.end());
  rounds_ += static_cast<int>(rounds);
  runs_++;
}

}  // namespace halyard
