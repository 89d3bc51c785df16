#include "rpc_farm/simulated/simulated_board.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "rpc_farm/runner_outcome.h"
#include "targets/counter_rng.h"
#include "targets/timing_rules.h"

namespace halyard {
namespace {

constexpr uint64_t kDrawStream = 1;
// A warm-up run ahead of a sample is left out for kernels that take longer than a cache takes to
// fill, as on a board (board_runner/timing.cpp).
constexpr double kNeedsNoWarmUpNs = 1e8;
// More than a reply has room for (kMostReplyBytes in agent/frames.h). Playing a run costs the agent
// itself, whose clients may ask for a million rounds of a thousand candidates.
constexpr int64_t kMostSamples = 100'000;

double Seconds(double ns) { return ns * 1e-9; }

}  // namespace

SimulatedBoard::SimulatedBoard(const SimulationScript& script, uint64_t seed, double clock_ghz)
    : script_(script),
      seed_(seed),
      clock_ghz_(clock_ghz),
      speed_(script_.speed * std::exp(script_.speed_spread * Normal())),
      outages_(script_, Uniform()) {
  if (script_.heat) heat_.emplace(*script_.heat);
}

double SimulatedBoard::Uniform() {
  // The middle of one of 2^53 equal parts: neither 0 nor 1.
  return (static_cast<double>(CounterBits(seed_, kDrawStream, drawn_++) >> 11) + 0.5) * 0x1p-53;
}

// Box and Muller, "A Note on the Generation of Random Normal Deviates", 1958.
double SimulatedBoard::Normal() {
  const double radius = std::sqrt(-2 * std::log(Uniform()));
  return radius * std::cos(2 * std::numbers::pi * Uniform());
}

double SimulatedBoard::Drift(double at) const {
  double factor = 1;
  for (const DriftStep& step : script_.drift) {
    if (at < step.at_s) break;
    const double share = step.over_s > 0 ? std::min(1.0, (at - step.at_s) / step.over_s) : 1;
    factor += share * (step.to - factor);
  }
  return factor;
}

std::optional<BoardConditions> SimulatedBoard::Conditions() const {
  if (!heat_) return std::nullopt;  // the board does not tell
  BoardConditions conditions;
  conditions.celsius = heat_->celsius();
  conditions.clock_mhz = 1000 * clock_ghz_ * heat_->clock();
  return conditions;
}

void SimulatedBoard::Pass(double seconds) {
  time_ += seconds;
  if (heat_) heat_->Pass(seconds, /*load=*/true);
}

bool SimulatedBoard::Over() const { return time_ > deadline_ || taken_ > kMostSamples; }

// The mean over as many runs as last `least_ns`, all at the clock that the first one finds.
double SimulatedBoard::TakeSample(double true_ns, int64_t least_ns) {
  ++taken_;
  const double clock = heat_ ? heat_->clock() : 1;
  const double ns = true_ns / speed_ * Drift(time_) / clock * std::exp(script_.noise * Normal());
  Pass(Seconds(ns * std::max(1.0, std::ceil(static_cast<double>(least_ns) / ns))));
  return ns;
}

void SimulatedBoard::Measure(const TimingPolicy& policy, EntryResult& entry) {
  const double true_ns = entry.samples_ns.empty() ? 0 : entry.samples_ns.front();
  entry.samples_ns.clear();
  if (true_ns <= 0 || !WorthTiming(entry)) return;
  // The checked run is the first warm-up.
  double last_ns = TakeSample(true_ns, 0);
  const double begin = time_;
  for (int i = 0; i < policy.warmup_runs && last_ns < static_cast<double>(policy.cap_ns) / 8; ++i) {
    last_ns = TakeSample(true_ns, 0);
  }
  do {
    entry.samples_ns.push_back(TakeSample(true_ns, policy.min_sample_ns));
  } while (!Over() && !GivenUp(entry.samples_ns, policy) &&
           static_cast<int>(entry.samples_ns.size()) < policy.samples &&
           time_ - begin < Seconds(static_cast<double>(policy.cap_ns)));
}

void SimulatedBoard::Interleave(const RunRequest& request, RunReply& reply) {
  std::vector<double> true_ns;
  for (std::vector<EntryResult>& entries : reply.candidates) {
    EntryResult& entry = entries.front();
    const bool timed = WorthTiming(entry) && !entry.samples_ns.empty();
    true_ns.push_back(timed ? entry.samples_ns.front() : 0);
    entry.samples_ns.clear();
    if (timed) TakeSample(true_ns.back(), 0);
  }
  // In which order the candidates of a round are taken makes no difference to a board whose caches
  // nobody empties.
  for (int round = 0; round < request.rounds; ++round) {
    for (size_t i = 0; i < true_ns.size(); ++i) {
      if (Over()) return;
      if (true_ns[i] <= 0) continue;
      if (true_ns[i] < kNeedsNoWarmUpNs) TakeSample(true_ns[i], 0);
      reply.candidates[i].front().samples_ns.push_back(
          TakeSample(true_ns[i], request.timing.min_sample_ns));
    }
  }
}

// One answer of one candidate, in one of the ways in which an answer can be wrong.
void SimulatedBoard::Damage(const RunRequest& request, RunReply& reply) {
  const auto pick = [this](size_t of) {
    return std::min(of - 1, static_cast<size_t>(Uniform() * static_cast<double>(of)));
  };
  const size_t which = pick(reply.candidates.size());
  EntryResult& entry = reply.candidates[which].front();
  switch (pick(5)) {
    case 0:
      if (entry.probe_values.empty()) break;
      entry.probe_values[pick(entry.probe_values.size())] += 1000;
      return;
    case 1:
      if (!request.candidates[which].entries.front().projection) break;
      entry.projection += 1e9;
      return;
    case 2:
      entry.non_finite = 1;
      return;
    case 3:
      entry.guards_intact = false;
      return;
    default:
      break;
  }
  entry.poison_left = 1;
}

std::optional<std::string> SimulatedBoard::WhyLost(double now) const {
  const auto outage = outages_.Between(now, std::nextafter(now, HUGE_VAL));
  if (!outage) return std::nullopt;
  return fmt::format("the simulated board {} for another {:.1f} s", outage->what,
                     outage->end_s - now);
}

SimulatedBoard::Ended SimulatedBoard::Run(double now, const RunRequest& request,
                                          const RunReply& truth,
                                          std::chrono::milliseconds deadline) {
  if (auto why = WhyLost(now)) return {{RunStatus::kBoardLost, *std::move(why), {}}, 0};
  if (heat_) heat_->Pass(std::max(0.0, now - cooled_until_), /*load=*/false);
  const double limit = static_cast<double>(deadline.count()) * 1e-3;
  Ended ended{{RunStatus::kOk, "", truth}, 0};
  RunReply& reply = ended.outcome.reply;
  // Drawn whether they are used or not, so that what is drawn after them stays the same.
  const bool hangs = Uniform() < script_.hang, wrong = Uniform() < script_.wrong;
  time_ = now;
  deadline_ = now + limit;
  taken_ = 0;
  reply.before = Conditions();
  if (hangs) {
    Pass(limit);
  } else if (request.mode == RunMode::kInterleave) {
    Interleave(request, reply);
  } else {
    for (std::vector<EntryResult>& entries : reply.candidates) {
      for (EntryResult& entry : entries) Measure(request.timing, entry);
    }
  }
  reply.after = Conditions();
  const bool late = hangs || time_ > deadline_;
  if (late) time_ = deadline_;
  const auto outage = outages_.Between(now, time_);
  if (outage) time_ = outage->begin_s;
  ended.seconds = time_ - now;
  cooled_until_ = time_;
  if (outage) {
    ended.outcome = {RunStatus::kBoardLost,
                     fmt::format("the simulated board {}, a run had begun", outage->what),
                     {}};
  } else if (late) {
    ended.outcome = {RunStatus::kTimeout, "stopped at the deadline by a simulated board", {}};
  } else if (taken_ > kMostSamples) {
    ended.outcome = {RunStatus::kResource,
                     fmt::format("more than {} samples and warm-up runs", kMostSamples),
                     {}};
  } else if (wrong) {
    Damage(request, reply);
  }
  VoidIfUnstable(&ended.outcome);
  return ended;
}

std::string SimulatedBoard::environment() const {
  std::string text =
      fmt::format("simulated (speed {:.4g}, noise {:.3g} %)", speed_, 100 * script_.noise);
  if (const auto conditions = Conditions()) text += ", " + ConditionsText(*conditions);
  return text;
}

}  // namespace halyard
