#include "tuner/suite/suite_progress.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "fmt/format.h"
#include "tuner/duration_text.h"
#include "tuner/measured_time.h"
#include "tuner/suite/suite_summary.h"

namespace halyard {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kDeviceColumns = 13;
// Of a row's figures, what follows the task's name.
constexpr size_t kFigureColumns = 33;

double SafeValue(const Task& task, const std::vector<Trial>& trials) {
  for (const Trial& t : trials) {
    if (t.ok && t.config == task.space.safe()) return t.value;
  }
  return 0;
}

// Of all calls, over the safe schedules; of several devices the geometric mean. 0: not known.
double SpeedUp(const SuiteStanding& s, double* best_ms) {
  std::map<std::string, std::pair<double, double>> sums;
  for (const MemberStanding& m : s.members) {
    if (m.best_ms == 0 || m.safe_ms == 0) continue;
    sums[m.device].first += m.weight * m.best_ms;
    sums[m.device].second += m.weight * m.safe_ms;
  }
  double logs = 0;
  for (const auto& [device, sum] : sums) logs += std::log(sum.second / sum.first);
  *best_ms = sums.size() == 1 ? sums.begin()->second.first : 0;
  return sums.empty() ? 0 : std::exp(logs / static_cast<double>(sums.size()));
}

// The rest of whatever ends the search first; "" where nothing does.
std::string LeftText(const SuiteStanding& s) {
  int trials = 0, here = 0;
  for (const MemberStanding& m : s.members) {
    trials += m.trials;
    here += m.trials - m.resumed;
  }
  double left = s.budget.seconds - s.seconds;
  const bool counted = s.budget.trials != std::numeric_limits<int>::max();
  if (counted && here > 0) left = std::min(left, (s.budget.trials - trials) * s.seconds / here);
  std::string text;
  if (s.budget.board_seconds_used) {
    text = fmt::format("{:.1f}", s.budget.board_seconds_used() / 60);
    if (std::isfinite(s.budget.board_seconds)) {
      text += fmt::format("/{:.1f}", (s.budget.board_seconds + s.budget.board_seconds_kept) / 60);
    }
    text += " board-minutes";
  }
  if (!std::isfinite(left) || left <= 0) return text;
  return text + (text.empty() ? "" : "  ") + "left " + DurationText(left);
}

std::string HeadText(const SuiteStanding& s) {
  int trials = 0, finished = 0;
  for (const MemberStanding& m : s.members) {
    trials += m.trials;
    finished += m.finished ? 1 : 0;
  }
  std::string text = fmt::format("{}", trials);
  const bool counted = s.budget.trials != std::numeric_limits<int>::max();
  if (counted) text += fmt::format("/{}", s.budget.trials);
  text += trials == 1 && !counted ? " trial" : " trials";
  double best_ms = 0;
  const double faster = SpeedUp(s, &best_ms);
  if (best_ms > 0) text += fmt::format("  {:.4g} ms", best_ms);
  if (faster > 0) text += fmt::format("{}{:.2f}x safe", best_ms > 0 ? " " : "  ", faster);
  if (finished > 0) text += fmt::format("  {}/{} finished", finished, s.members.size());
  const std::string left = LeftText(s);
  return left.empty() ? text : text + "  " + left;
}

std::string Cut(const std::string& text, size_t columns) {
  return text.size() <= columns ? text : text.substr(0, columns - 2) + "..";
}

std::string Row(const MemberStanding& m, size_t name_columns) {
  const std::string ms = m.best_ms > 0 ? fmt::format("{:.4g}", m.best_ms) : "-";
  const bool both = m.best_ms > 0 && m.safe_ms > 0;
  return fmt::format("{} {:<{}}{:<{}}{:>7}{:>10}{:>8}{:>8}", m.phase.empty() ? " " : ">",
                     Cut(m.device, kDeviceColumns - 1), kDeviceColumns,
                     Cut(m.task, name_columns - 1), name_columns, m.trials, ms,
                     both ? fmt::format("{:.2f}x", m.safe_ms / m.best_ms) : "-",
                     m.best_ms > 0 ? fmt::format("{:.1f}", 100 * m.expected) : "-");
}

}  // namespace

std::string SuiteLine(const SuiteStanding& s) {
  std::string text = HeadText(s);
  for (const MemberStanding& m : s.members) {
    if (!m.phase.empty()) text += fmt::format("  {} {}", m.task, m.phase);
  }
  return text;
}

std::vector<std::string> SuiteTable(const SuiteStanding& s, size_t rows, size_t columns) {
  std::vector<const MemberStanding*> order;
  std::string phases;
  for (const MemberStanding& m : s.members) {
    order.push_back(&m);
    if (m.phase.empty()) continue;
    phases += (phases.empty() ? "" : ", ") + m.device + " " + m.phase;
  }
  const auto rank = [](const MemberStanding* m) {
    // What has no time yet may gain anything.
    const double gain = m->best_ms > 0 ? m->expected : 1;
    return std::tuple(m->phase.empty(), m->finished, -gain);
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](const auto* a, const auto* b) { return rank(a) < rank(b); });
  const size_t name_columns = columns - 2 - kDeviceColumns - kFigureColumns;
  std::vector<std::string> lines = {HeadText(s)};
  if (!phases.empty()) lines.push_back("  " + phases);
  lines.push_back(fmt::format("  {:<{}}{:<{}}{:>7}{:>10}{:>8}{:>8}", "device", kDeviceColumns,
                              "task", name_columns, "trials", "best ms", "faster", "more %"));
  const size_t room = rows - lines.size();
  const size_t shown = order.size() <= room ? order.size() : room - 1;
  for (size_t i = 0; i < shown; i++) lines.push_back(Row(*order[i], name_columns));
  if (shown < order.size()) {
    size_t finished = 0;
    for (size_t i = shown; i < order.size(); i++) finished += order[i]->finished ? 1 : 0;
    lines.push_back(
        fmt::format("  and {} more, {} of them finished", order.size() - shown, finished));
  }
  for (std::string& line : lines) line = line.substr(0, columns);
  return lines;
}

SuiteProgress::SuiteProgress(const std::vector<SuiteMember>& members, const SuiteBudget& budget,
                             std::function<void()> after_batch)
    : members_(members), begin_(Clock::now()), after_batch_(std::move(after_batch)) {
  standing_.budget = budget;
  for (const SuiteMember& m : members) {
    MemberStanding standing;
    standing.device = m.bench.task.device.id;
    standing.task = ListedText(m.bench.task.workload);
    standing.weight = m.weight;
    standing_.members.push_back(standing);
  }
}

void SuiteProgress::OnPhase(size_t member, const std::string& what) {
  standing_.members[member].phase = what;
  Redraw(what.starts_with("final"));
}

void SuiteProgress::OnTrial(size_t member, const SearchResult& r) {
  const Task& task = members_[member].bench.task;
  const double ms = 1e-6 * NanosecondsPerUnit(task.device);
  MemberStanding& s = standing_.members[member];
  s.trials = static_cast<int>(r.trials.size());
  s.resumed = r.resumed;
  s.expected = r.forecast.gain;
  if (const Trial* best = r.best()) s.best_ms = ms * best->value;
  if (s.safe_ms == 0) s.safe_ms = ms * SafeValue(task, r.trials);
  Redraw(false);
}

void SuiteProgress::OnBatch(size_t member) {
  standing_.members[member].phase.clear();
  after_batch_();
}

void SuiteProgress::OnFinished(size_t member, const std::string& why) {
  MemberStanding& s = standing_.members[member];
  s.finished = true;
  std::string text = s.task;
  if (s.best_ms > 0) text += fmt::format(": {:.4g} ms", s.best_ms);
  display_.Print(fmt::format("{} after {} trials; {}", text, s.trials, why));
}

void SuiteProgress::Show(const std::string& what) {
  for (MemberStanding& m : standing_.members) m.phase.clear();
  display_.Show(what, true);
}

void SuiteProgress::Redraw(bool force) {
  standing_.seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
  display_.Show([&](size_t rows, size_t columns) { return SuiteTable(standing_, rows, columns); },
                [&] { return SuiteLine(standing_); }, force);
}

}  // namespace halyard
