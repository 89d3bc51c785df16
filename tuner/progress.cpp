#include "tuner/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "fmt/format.h"

namespace halyard {
namespace {

using Clock = std::chrono::steady_clock;

size_t TerminalColumns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

std::string Seconds(double s) {
  const int whole = static_cast<int>(std::max(0.0, s));
  return whole >= 60 ? fmt::format("{}m{:02}s", whole / 60, whole % 60) : fmt::format("{}s", whole);
}

}  // namespace

Progress::Progress(const TuneOptions& options, const Roofline& roofline, double time_budget_seconds)
    : options_(options),
      roofline_(roofline),
      time_budget_seconds_(time_budget_seconds),
      terminal_(isatty(STDERR_FILENO) != 0),
      begin_(Clock::now()) {}

Progress::~Progress() { Finish(); }

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
  if (std::isfinite(left) && left > 0) text += "  left " + Seconds(left);
  trials_text_ = text;
  Show(false);
}

std::string Progress::Line() const {
  std::string line = trials_text_;
  if (!phase_.empty()) line += "  " + phase_;
  return line;
}

void Progress::Show(bool force) {
  const auto now = Clock::now();
  const double since = std::chrono::duration<double>(now - shown_).count();
  if (terminal_) {
    if (!force && since < 0.1) return;
    std::string line = Line();
    line.resize(std::min(line.size(), TerminalColumns() - 1));
    fmt::print(stderr, "\r\033[K{}", line);
    std::fflush(stderr);
    live_ = true;
  } else {
    if (!force && since < 10) return;
    fmt::print(stderr, "{}\n", Line());
  }
  shown_ = now;
}

void Progress::Finish() {
  if (live_) fmt::print(stderr, "\r\033[K");
  live_ = false;
}

}  // namespace halyard
