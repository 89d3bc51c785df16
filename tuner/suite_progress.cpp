#include "tuner/suite_progress.h"

#include <algorithm>
#include <cmath>

#include "fmt/format.h"
#include "tuner/duration_text.h"
#include "tuner/measured_time.h"
#include "tuner/suite_summary.h"

namespace halyard {
namespace {

using Clock = std::chrono::steady_clock;

double SafeValue(const Task& task, const std::vector<Trial>& trials) {
  for (const Trial& t : trials) {
    if (t.ok && t.config == task.space.safe()) return t.value;
  }
  return 0;
}

}  // namespace

SuiteProgress::SuiteProgress(const std::vector<SuiteMember>& members, const SuiteBudget& budget)
    : members_(members), budget_(budget), begin_(Clock::now()), standings_(members.size()) {}

void SuiteProgress::OnPhase(const std::string& what) {
  phase_ = what;
  line_.Show(Line(), /*force=*/what.starts_with("final"));
}

void SuiteProgress::OnTrial(const SearchResult& r) {
  const Task& task = members_[member_].bench.task;
  const double ms = 1e-6 * NanosecondsPerUnit(task.device);
  Standing& s = standings_[member_];
  s.trials = static_cast<int>(r.trials.size());
  s.resumed = r.resumed;
  if (const Trial* best = r.best()) s.best_ms = ms * best->value;
  if (s.safe_ms == 0) s.safe_ms = ms * SafeValue(task, r.trials);
  line_.Show(Line());
}

void SuiteProgress::OnFinished(size_t member, const std::string& why) {
  finished_++;
  const Standing& s = standings_[member];
  std::string text = ListedText(members_[member].bench.task.workload);
  if (s.best_ms > 0) text += fmt::format(": {:.4g} ms", s.best_ms);
  line_.Print(fmt::format("{} after {} trials; {}", text, s.trials, why));
}

// Most telling first: a narrow terminal cuts the line at its end.
std::string SuiteProgress::Line() const {
  int trials = 0, here = 0;
  double best = 0, safe = 0;
  for (size_t i = 0; i < standings_.size(); i++) {
    const Standing& s = standings_[i];
    trials += s.trials;
    here += s.trials - s.resumed;
    if (s.best_ms == 0 || s.safe_ms == 0) continue;
    best += members_[i].weight * s.best_ms;
    safe += members_[i].weight * s.safe_ms;
  }
  std::string text = fmt::format("{}", trials);
  const bool counted = budget_.trials != std::numeric_limits<int>::max();
  if (counted) text += fmt::format("/{}", budget_.trials);
  if (best > 0) text += fmt::format("  {:.4g} ms {:.2f}x safe", best, safe / best);
  if (finished_ > 0) text += fmt::format("  {}/{} finished", finished_, standings_.size());
  const double seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
  double left = budget_.seconds - seconds;
  if (counted && here > 0) left = std::min(left, (budget_.trials - trials) * seconds / here);
  if (std::isfinite(left) && left > 0) text += "  left " + DurationText(left);
  text += "  " + ListedText(members_[member_].bench.task.workload);
  return phase_.empty() ? text : text + "  " + phase_;
}

}  // namespace halyard
