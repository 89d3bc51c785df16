#include "tuner/report/board_report.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <tuple>
#include <utility>

#include "fmt/format.h"

namespace halyard {
namespace {

// Points of a board's curve: two for each pixel that a curve is wide at most.
constexpr size_t kMostPoints = 1200;
// A farm takes a board out of work beyond this (rpc_farm/canary/drift_watch.h).
constexpr double kDriftedTooFar = 0.10, kDriftNoticed = 0.03;
// Three of a hundred runs lost is more than a network's weather; one of ten is a board that is not
// to be counted on.
constexpr double kManyLost = 0.10, kSomeLost = 0.03;
// Timings given up because the board's clock moved: some are a laptop's life, a fifth is a fan.
constexpr double kManyUnstable = 0.20, kSomeUnstable = 0.05;

// "61.2 C" with " C" gives 61.2.
std::optional<double> NumberBefore(std::string_view part, std::string_view ending) {
  if (part.size() <= ending.size() || !part.ends_with(ending)) return std::nullopt;
  part.remove_suffix(ending.size());
  double number = 0;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
  if (error != std::errc() || end != part.data() + part.size()) return std::nullopt;
  return number;
}

void TakePart(std::string_view part, MeasuredConditions& c) {
  constexpr std::string_view kTimes = "times ";
  if (part.starts_with(kTimes)) {
    const auto ruler = NumberBefore(part.substr(kTimes.size()), " of the ruler");
    if (ruler && *ruler > 0) c.ruler = ruler;
  } else if (const auto celsius = NumberBefore(part, " C")) {
    c.celsius = celsius;
  } else if (const auto mhz = NumberBefore(part, " MHz")) {
    c.clock_mhz = mhz;
  } else if (const auto watts = NumberBefore(part, " W")) {
    c.watts = watts;
  } else if (part == "throttled" || part == "under-voltage" ||
             part.starts_with("thermal status ")) {
    c.throttled = true;
  }
}

void Widen(std::optional<double>& least, std::optional<double>& most, double value) {
  least = std::min(least.value_or(value), value);
  most = std::max(most.value_or(value), value);
}

// Largest value over lowest of each config that a board measured more than once.
class Repeats {
 public:
  void Add(const Record& r) {
    if (r.outcome != Outcome::kOk) return;
    const double value = r.value();
    auto& [times, least, most] = configs_[{r.workload, r.config, r.space_version, r.protocol}];
    least = times == 0 ? value : std::min(least, value);
    most = times == 0 ? value : std::max(most, value);
    ++times;
  }
  void PutInto(BoardReport& board) const {
    std::vector<double> spreads;
    for (const auto& [config, seen] : configs_) {
      const auto& [times, least, most] = seen;
      if (times > 1 && least > 0) spreads.push_back(most / least - 1);
    }
    board.repeated = static_cast<int64_t>(spreads.size());
    if (spreads.empty()) return;
    const auto middle = spreads.begin() + static_cast<std::ptrdiff_t>(spreads.size() / 2);
    std::nth_element(spreads.begin(), middle, spreads.end());
    board.repeatability = *middle;
  }

 private:
  // workload, config, space version, protocol -> times, least, most
  using Config = std::tuple<std::string_view, std::string_view, int, int>;
  std::map<Config, std::tuple<int, double, double>> configs_;
};

// Of one board while its records go by.
struct Tally {
  BoardReport board;
  std::vector<const Record*> records;
  Repeats repeats;
  std::map<Outcome, int64_t> in_session;

  int64_t session_count(Outcome outcome) const {
    const auto found = in_session.find(outcome);
    return found == in_session.end() ? 0 : found->second;
  }
};

void Take(const Record& r, int64_t session_unix_ms, Tally& tally) {
  BoardReport& board = tally.board;
  ++board.records;
  ++board.outcomes[r.outcome];
  board.last_unix_ms = std::max(board.last_unix_ms, r.time_unix_ms);
  if (r.time_unix_ms >= session_unix_ms) ++board.in_session, ++tally.in_session[r.outcome];
  tally.records.push_back(&r);
  tally.repeats.Add(r);
}

void AddConditions(const MeasuredConditions& c, BoardReport& board, BoardPoint& point) {
  if (c.celsius) {
    board.last_celsius = c.celsius;
    Widen(board.coolest, board.hottest, *c.celsius);
    point.celsius = std::max(point.celsius.value_or(*c.celsius), *c.celsius);
  }
  if (c.clock_mhz) {
    board.last_mhz = c.clock_mhz;
    point.clock_mhz = std::min(point.clock_mhz.value_or(*c.clock_mhz), *c.clock_mhz);
  }
  if (c.watts) board.last_watts = c.watts;
  if (c.throttled) ++board.throttled;
  if (c.ruler) {
    board.drift = point.drift = 1 / *c.ruler - 1;
    Widen(board.least_drift, board.most_drift, *board.drift);
  }
}

void AddPoints(Tally& tally) {
  auto& records = tally.records;
  std::stable_sort(records.begin(), records.end(), [](const Record* a, const Record* b) {
    return a->time_unix_ms < b->time_unix_ms;
  });
  const size_t each = records.size() / kMostPoints + 1;
  for (size_t i = 0; i < records.size(); ++i) {
    if (i % each == 0) tally.board.points.emplace_back();
    BoardPoint& point = tally.board.points.back();
    point.time_unix_ms = records[i]->time_unix_ms;
    ++point.records;
    if (IsInfrastructure(records[i]->outcome)) ++point.lost;
    AddConditions(ConditionsOf(records[i]->environment), tally.board, point);
  }
}

// The worst thing that is to be said of the session.
void Judge(Tally& tally) {
  BoardReport& board = tally.board;
  if (board.in_session == 0) {
    board.health = BoardHealth::kIdle;
    board.health_text = "took no part in the last session";
    return;
  }
  const auto say = [&](BoardHealth health, const std::string& text) {
    if (health <= board.health) return;
    board.health = health;
    board.health_text = text;
  };
  const auto share = [&](int64_t count) {
    return static_cast<double>(count) / static_cast<double>(board.in_session);
  };
  board.health = BoardHealth::kGood;
  board.health_text = "nothing to report";
  const int64_t lost =
      tally.session_count(Outcome::kBoardLost) + tally.session_count(Outcome::kInfraError);
  const int64_t unstable = tally.session_count(Outcome::kUnstable);
  if (share(lost) > kSomeLost) {
    say(share(lost) > kManyLost ? BoardHealth::kBad : BoardHealth::kWatch,
        fmt::format("lost {} of {} runs", lost, board.in_session));
  }
  if (board.drift && std::abs(*board.drift) > kDriftNoticed) {
    say(std::abs(*board.drift) > kDriftedTooFar ? BoardHealth::kBad : BoardHealth::kWatch,
        fmt::format("{:.1f} % {} than its device's ruler", 100 * std::abs(*board.drift),
                    *board.drift > 0 ? "slower" : "faster"));
  }
  if (share(unstable) > kSomeUnstable) {
    say(share(unstable) > kManyUnstable ? BoardHealth::kBad : BoardHealth::kWatch,
        fmt::format("{} of {} timings were unstable", unstable, board.in_session));
  }
  if (board.throttled > 0) {
    say(BoardHealth::kWatch, fmt::format("throttled in {} runs", board.throttled));
  }
}

}  // namespace

MeasuredConditions ConditionsOf(const std::string& environment) {
  MeasuredConditions conditions;
  std::string_view rest = environment;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(", "), rest.size());
    TakePart(rest.substr(0, end), conditions);
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  return conditions;
}

int64_t BoardReport::count(Outcome outcome) const {
  const auto found = outcomes.find(outcome);
  return found == outcomes.end() ? 0 : found->second;
}

std::vector<BoardReport> BoardReports(const std::vector<Record>& records, int64_t session_unix_ms) {
  std::map<std::tuple<std::string, std::string, BoardKind>, Tally> tallies;
  for (const Record& r : records) {
    Take(r, session_unix_ms, tallies[{r.device, r.board, r.board_kind}]);
  }
  std::vector<BoardReport> boards;
  for (auto& [key, tally] : tallies) {
    std::tie(tally.board.device, tally.board.name, tally.board.kind) = key;
    AddPoints(tally);
    tally.repeats.PutInto(tally.board);
    Judge(tally);
    boards.push_back(std::move(tally.board));
  }
  return boards;
}

}  // namespace halyard
