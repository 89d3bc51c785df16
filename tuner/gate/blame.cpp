#include "tuner/gate/blame.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "tuner/gate/gate_decision.h"

namespace halyard {
namespace {

bool Beyond(const std::optional<RatioInterval>& ratio) {
  return ratio && ratio->low > 1 + kGateTolerance;
}

std::string Percent(double ratio) { return fmt::format("{:+.1f} %", 100 * (ratio - 1)); }

std::string Because(const std::string& change) { return change.empty() ? "" : " (" + change + ")"; }

struct Cause {
  Blame blame;
  double ratio;  // what it accounts for
  std::string text;
};

Cause Drift(const BlameEvidence& e) {
  return {
      Blame::kBoard, e.drift->mean,
      fmt::format("unchanged code takes {}{}", Percent(e.drift->mean), Because(e.board_change))};
}

// `whole` is what `blame` and the board account for together.
std::vector<Cause> BesideTheBoard(const BlameEvidence& e, const RatioInterval& whole, Blame blame,
                                  const std::string& what, const std::string& change) {
  const auto cause = [&](double ratio) {
    return Cause{blame, ratio, fmt::format("{} {}{}", what, Percent(ratio), Because(change))};
  };
  std::vector<Cause> causes;
  if (e.drift) {
    // Both have an interval of their own.
    const bool rest = whole.low / e.drift->high > 1 + kGateTolerance;
    if (rest || !Beyond(e.drift)) causes.push_back(cause(whole.mean / e.drift->mean));
    if (Beyond(e.drift)) causes.push_back(Drift(e));
    return causes;
  }
  causes.push_back(cause(whole.mean));
  if (!e.board_change.empty()) {
    causes.push_back({Blame::kBoard, whole.mean,
                      "or the board: no unchanged code tells" + Because(e.board_change)});
  }
  return causes;
}

// What makes the predecessor's config slower than its record.
std::vector<Cause> OfOneConfig(const BlameEvidence& e) {
  if (e.same_code) {
    BlameEvidence own = e;
    own.drift = e.predecessor_to_record;
    return {Drift(own)};
  }
  return BesideTheBoard(e, *e.predecessor_to_record, Blame::kCompiler,
                        "the same config is other code and takes", e.compiler_change);
}

// Each factor too small to be told from noise, both together not: the larger one.
std::vector<Cause> OfTheLarger(const BlameEvidence& e) {
  const auto& space = e.new_to_predecessor;
  const auto& rest = e.predecessor_to_record;
  if (space && (!rest || space->mean >= rest->mean)) {
    return {{Blame::kSpace, space->mean, "the new config is the larger part, within the noise"}};
  }
  return rest ? OfOneConfig(e) : std::vector<Cause>{};
}

// Of "Linux 6.1, governor performance, 1500 MHz, 61.2 C, not throttled" all but the two figures.
std::string Lasting(const std::string& environment) {
  std::vector<std::string> parts = absl::StrSplit(environment, ", ");
  std::erase_if(parts, [](const std::string& part) {
    return absl::EndsWith(part, " MHz") || absl::EndsWith(part, " C") || absl::EndsWith(part, " W");
  });
  return absl::StrJoin(parts, ", ");
}

}  // namespace

std::string ChangeText(const std::string& then, const std::string& now) {
  return then == now ? "" : fmt::format("{}, now {}", then.empty() ? "not known" : then, now);
}

std::string BoardChange(const std::string& board_then, const std::string& environment_then,
                        const std::string& board_now, const std::string& environment_now) {
  if (board_then != board_now) return ChangeText("board " + board_then, board_now);
  return ChangeText(Lasting(environment_then), Lasting(environment_now));
}

BlameVerdict FindBlame(const BlameEvidence& e) {
  if (!e.new_to_record || e.new_to_record->mean <= 1 + kGateTolerance) return {};
  if (!Beyond(e.new_to_record)) {
    return {{Blame::kNoise},
            fmt::format("{} against the record, within the noise: {} to {}",
                        Percent(e.new_to_record->mean), Percent(e.new_to_record->low),
                        Percent(e.new_to_record->high))};
  }
  std::vector<Cause> causes;
  if (Beyond(e.predecessor_to_record)) causes = OfOneConfig(e);
  if (Beyond(e.new_to_predecessor)) {
    causes.push_back(
        {Blame::kSpace, e.new_to_predecessor->mean,
         fmt::format("the new config takes {} beside it", Percent(e.new_to_predecessor->mean))});
  } else if (e.predecessor_gone) {
    causes = BesideTheBoard(e, *e.new_to_record, Blame::kSpace,
                            "the best config of the space of now takes", "");
  }
  if (causes.empty()) causes = OfTheLarger(e);
  if (causes.empty()) return {{Blame::kNoise}, "nothing could be measured that would tell"};
  std::stable_sort(causes.begin(), causes.end(),
                   [](const Cause& a, const Cause& b) { return a.ratio > b.ratio; });
  BlameVerdict verdict;
  for (const Cause& c : causes) {
    verdict.causes.push_back(c.blame);
    absl::StrAppend(&verdict.text, verdict.text.empty() ? "" : "; ", c.text);
  }
  return verdict;
}

RatioInterval RatioToRecord(const std::vector<double>& samples, double value, int record_samples,
                            bool exact) {
  std::vector<double> record(samples.size(), value);
  RatioInterval ratio = PairedRatio(samples, record);
  // A median is what the record is, and what disturbs a sample makes it slower.
  const double mean = MedianSample(samples) / value;
  if (exact) return {mean, mean, mean};
  const double n = static_cast<double>(samples.size());
  const double wider = std::sqrt(1 + n / std::max(1, record_samples));
  const double error = samples.size() < 2 ? HUGE_VAL : wider * std::log(ratio.high / ratio.mean);
  return {mean, mean * std::exp(-error), mean * std::exp(error)};
}

}  // namespace halyard
