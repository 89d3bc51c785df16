#include "tuner/progress.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fmt/format.h"
#include "tuner/duration_text.h"

namespace halyard {

Progress::Progress(const TuneOptions& options, const Roofline& roofline, double time_budget_seconds)
    : options_(options), roofline_(roofline), time_budget_seconds_(time_budget_seconds) {}

void Progress::OnPhase(const std::string& what) {
  phase_ = what;
  Show(/*force=*/what.starts_with("final"));
}

void Progress::OnTrial(const SearchResult& r) {
  const int done = static_cast<int>(r.trials.size());
  const int here = done - r.resumed;
  // Most telling first: a narrow terminal cuts the line at its end.
  std::string text = fmt::format("{}", done);
  const bool counted = options_.trials != std::numeric_limits<int>::max();
  if (counted) text += fmt::format("/{}", options_.trials);
  if (const Trial* best = r.best()) {
    text +=
        fmt::format("  best {:.4g} ms {:.1f} GFLOP/s {:.0f}%", roofline_.Milliseconds(best->value),
                    roofline_.Gflops(best->value), 100 * roofline_.Share(best->value));
  }
  if (r.seconds > 0 && here > 0) text += fmt::format("  {:.1f}/s", here / r.seconds);
  for (const auto& [outcome, count] : r.outcomes) {
    text += fmt::format("  {} {}", OutcomeName(outcome), count);
  }
  if (r.correlation) text += fmt::format("  rank {:+.2f}", *r.correlation);
  double left = time_budget_seconds_ - r.seconds;
  if (counted && here > 0 && r.seconds > 0) {
    left = std::min(left, (options_.trials - done) * r.seconds / here);
  }
  if (std::isfinite(left) && left > 0) text += "  left " + DurationText(left);
  trials_text_ = text;
  Show(false);
}

void Progress::Show(bool force) {
  line_.Show(phase_.empty() ? trials_text_ : trials_text_ + "  " + phase_, force);
}

}  // namespace halyard
