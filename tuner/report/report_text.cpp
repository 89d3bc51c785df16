#include "tuner/report/report_text.h"

#include <algorithm>

#include "fmt/chrono.h"
#include "fmt/format.h"
#include "tuner/summary.h"

namespace halyard {
namespace {

// A screenful; the page has them all.
constexpr size_t kMostTasks = 40, kMostBoards = 20;
constexpr size_t kNameColumns = 33;

// Names come from logs, and a terminal obeys what they may hold.
std::string Plain(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

std::string Shortened(const std::string& text, size_t most) {
  const std::string plain = Plain(text);
  return plain.size() <= most ? plain : plain.substr(0, most - 2) + "..";
}

std::string TimeText(int64_t unix_ms, const char* format) {
  const std::time_t seconds = unix_ms / 1000;
  return fmt::format(fmt::runtime(std::string("{:") + format + "}"), fmt::localtime(seconds));
}

// "51,766"
std::string Count(int64_t count) {
  std::string digits = std::to_string(count);
  for (auto at = static_cast<int64_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return digits;
}

std::string Plural(int64_t count, const std::string& one) {
  return Count(count) + " " + one + (count == 1 ? "" : "s");
}

template <typename T>
std::string Maybe(const char* format, const std::optional<T>& value) {
  return value ? fmt::format(fmt::runtime(format), *value) : "-";
}

std::string Paragraph(const std::string& label, const std::string& text) {
  constexpr size_t kIndent = 16;
  const std::string indent(kIndent, ' ');
  return fmt::format("  {:<{}}{}\n", label, kIndent - 2, Wrapped(text, indent).substr(kIndent));
}

std::string SummaryOf(const Report& report) {
  const ReportSession& s = report.session;
  const auto ok = s.outcomes.find(Outcome::kOk);
  const int64_t ok_count = ok == s.outcomes.end() ? 0 : ok->second;
  std::string night = fmt::format(
      "{} to {}: {} of {}, {:.1f} % ok", TimeText(s.first_unix_ms, "%Y-%m-%d %H:%M"),
      TimeText(s.last_unix_ms, "%H:%M"), Plural(s.records, "trial"), Plural(s.tasks, "task"),
      100.0 * static_cast<double>(ok_count) / static_cast<double>(s.records));
  if (s.hours() > 0.02) {
    night += fmt::format(", {:.0f} an hour", static_cast<double>(s.records) / s.hours());
  }
  night += fmt::format("; {} better than before it, {} new", Plural(s.better_tasks, "task"),
                       s.new_tasks);
  std::string all =
      fmt::format("{} of {} on {}", Plural(report.records.size(), "trial"),
                  Plural(report.tasks.size(), "task"), Plural(report.boards.size(), "board"));
  if (const auto speed_up = report.speed_up()) {
    all += fmt::format("; {:.2f}x over the safe schedules (geometric mean)", *speed_up);
  }
  return Paragraph("last session", night) + Paragraph("whole log", all);
}

std::string TaskLine(const ReportTask& t, std::string name) {
  std::string best = "-", rate = "-", roof = "-";
  if (t.best != nullptr) {
    const double value = t.best->value();
    best = t.roofline.ns_per_unit > 0 ? fmt::format("{:.4g}", t.roofline.Milliseconds(value))
                                      : fmt::format("{:.3g}M", value * 1e-6);
    if (t.has_work()) rate = fmt::format("{:.1f}", t.roofline.Gflops(value));
    if (t.has_roof()) roof = fmt::format("{:.0f}", 100 * t.roofline.Share(value));
  }
  const auto gain = t.gain();
  const std::string gain_text = gain ? fmt::format("{:.1f}", 100 * *gain)
                                     : (t.best != nullptr && t.in_session > 0 ? "new" : "-");
  name = Shortened(name, kNameColumns);
  return fmt::format("  {:<{}} {:>8} {:>8} {:>6} {:>6} {:>5} {:>6}\n", name, kNameColumns, best,
                     rate, roof, Maybe("{:.2f}", t.speed_up()), gain_text, t.records.size());
}

std::string TasksOf(const Report& report) {
  std::vector<const ReportTask*> shown;
  for (const ReportTask& t : report.tasks) {
    if (t.in_session > 0) shown.push_back(&t);
  }
  std::stable_sort(shown.begin(), shown.end(), [](const ReportTask* a, const ReportTask* b) {
    return std::pair(a->device_text, a->key.board_kind) <
           std::pair(b->device_text, b->key.board_kind);
  });
  const size_t all = shown.size();
  shown.resize(std::min(all, kMostTasks));
  std::string text =
      fmt::format("\n  {:<{}} {:>8} {:>8} {:>6} {:>6} {:>5} {:>6}\n", "task of the last session",
                  kNameColumns, "best ms", "GFLOP/s", "% roof", "x safe", "gain%", "trials");
  std::string group;
  for (const ReportTask* t : shown) {
    const std::string here =
        t->device_text + (t->key.board_kind == BoardKind::kPhysical
                              ? ""
                              : ", " + std::string(BoardKindName(t->key.board_kind)));
    if (here != group) text += fmt::format("  on {}\n", Plain(here));
    group = here;
    text += TaskLine(*t, "  " + t->label.substr(0, t->label.find(" on ")));
  }
  if (all > shown.size()) text += fmt::format("  and {} more\n", all - shown.size());
  return text;
}

std::string BoardsOf(const Report& report) {
  std::string text = fmt::format("\n  {:<18} {:<11} {:>7} {:>5} {:>7} {:>6}  {}\n", "board",
                                 "device", "trials", "lost", "drift %", "max C", "health");
  std::vector<const BoardReport*> shown;
  for (const BoardReport& b : report.boards) shown.push_back(&b);
  // Those in trouble first.
  std::stable_sort(shown.begin(), shown.end(), [](const BoardReport* a, const BoardReport* b) {
    return a->health > b->health;
  });
  const size_t all = shown.size();
  shown.resize(std::min(all, kMostBoards));
  for (const BoardReport* b : shown) {
    const auto drift = b->drift ? std::optional(100 * *b->drift) : std::nullopt;
    text += fmt::format("  {:<18} {:<11} {:>7} {:>5} {:>7} {:>6}  {}\n", Shortened(b->name, 18),
                        Shortened(b->device, 11), b->records, b->lost(), Maybe("{:+.1f}", drift),
                        Maybe("{:.1f}", b->hottest), b->health_text);
  }
  if (all > shown.size()) text += fmt::format("  and {} more\n", all - shown.size());
  return text;
}

std::string FailuresOf(const Report& report) {
  std::string counts;
  for (const auto& [outcome, count] : report.session.outcomes) {
    if (outcome == Outcome::kOk) continue;
    counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", OutcomeName(outcome), count);
  }
  return "\n" + Paragraph("failed", counts.empty() ? "nothing in the last session" : counts);
}

std::string LibraryOf(const LibraryTable& library) {
  std::string text = fmt::format("\n  library {}", Plain(library.now.folder));
  if (library.before) text += fmt::format(" against {}", Plain(library.before->folder));
  text += "\n";
  if (!library.not_compared.empty()) {
    return text + "  not compared: " + Plain(library.not_compared) + "\n";
  }
  for (const LibraryRow& row : library.rows) {
    std::string verdict = "in both";
    if (const auto change = row.change()) verdict = fmt::format("{:+.1f} % time", 100 * *change);
    if (!row.before) verdict = library.before ? "new" : "";
    if (!row.now) verdict = "GONE";
    const Record& r = (row.now ? *row.now : *row.before).record;
    text += fmt::format("    {:<40} {:>10.4g} {:<14} {}\n", Shortened(row.workload, 40), r.value(),
                        r.unit, verdict);
  }
  return text;
}

}  // namespace

std::string ReportText(const Report& report) {
  std::string text = fmt::format("Report of {}, {}\n", Plain(report.log),
                                 TimeText(report.made_unix_ms, "%Y-%m-%d %H:%M"));
  text += SummaryOf(report) + TasksOf(report) + BoardsOf(report) + FailuresOf(report);
  if (report.library) text += LibraryOf(*report.library);
  for (const std::string& gap : report.gaps) {
    text += Wrapped("missing: " + gap, "  ") + "\n";
  }
  return text;
}

}  // namespace halyard
