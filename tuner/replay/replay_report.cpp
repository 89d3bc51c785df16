#include "tuner/replay/replay_report.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fmt/format.h"

namespace halyard {
namespace {

using nlohmann::json;

StrategyFigures FiguresOf(const std::string& strategy, const std::vector<Curve>& curves,
                          double best, int budget) {
  StrategyFigures f{strategy, {}, {}};
  const auto over_seeds = [&](auto figure) {
    std::vector<double> values;
    for (const Curve& curve : curves) values.push_back(figure(curve));
    return QuartilesOf(values);
  };
  for (const double share : kReachShares) {
    f.reach.push_back(over_seeds([&](const Curve& c) { return TrialsToReach(c, best, share); }));
  }
  for (const int trials : kRegretTrials) {
    if (trials > budget) break;
    f.regret.push_back(over_seeds([&](const Curve& c) { return RegretAfter(c, best, trials); }));
  }
  return f;
}

SpaceFigures FiguresOf(const RecordedTask& recorded) {
  SpaceFigures s;
  s.name = recorded.name;
  s.workload = recorded.task.workload.ToText();
  s.device = recorded.task.device.id;
  s.unit = recorded.unit;
  s.configs = recorded.valid.size();
  s.best = recorded.best;
  s.worst = recorded.worst;
  for (const RecordedResult& r : recorded.results) {
    if (r.outcome != Outcome::kOk) continue;
    s.ok++;
    s.near += r.value <= recorded.best / 0.95 ? 1 : 0;
  }
  return s;
}

// The median over the spaces of what the strategy at `place` does in each.
StrategyFigures SummaryOf(const std::vector<SpaceFigures>& spaces, size_t place) {
  StrategyFigures summary{spaces[0].strategies[place].strategy, {}, {}};
  for (const auto list : {&StrategyFigures::reach, &StrategyFigures::regret}) {
    for (size_t i = 0; i < (spaces[0].strategies[place].*list).size(); i++) {
      std::vector<double> medians;
      for (const SpaceFigures& s : spaces) {
        medians.push_back((s.strategies[place].*list)[i].median);
      }
      (summary.*list).push_back(QuartilesOf(medians));
    }
  }
  return summary;
}

std::string TrialsText(double trials, int budget) {
  return std::isinf(trials) ? fmt::format(">{}", budget) : fmt::format("{:.0f}", trials);
}

std::string TableText(const std::vector<StrategyFigures>& strategies, int budget) {
  std::string text = fmt::format("  {:<17}", "trials to reach");
  for (const double share : kReachShares) {
    text += fmt::format("{:>20}", fmt::format("{:.0f} %", 100 * share));
  }
  text += "\n";
  for (const StrategyFigures& f : strategies) {
    text += fmt::format("    {:<15}", f.strategy);
    for (const Quartiles& q : f.reach) {
      text += fmt::format("{:>20}", RangeText(q, [&](double t) { return TrialsText(t, budget); }));
    }
    text += "\n";
  }
  if (strategies[0].regret.empty()) return text;
  text += fmt::format("  {:<17}", "regret, %, after");
  for (size_t i = 0; i < strategies[0].regret.size(); i++) {
    text += fmt::format("{:>16}", kRegretTrials[i]);
  }
  text += "\n";
  for (const StrategyFigures& f : strategies) {
    text += fmt::format("    {:<15}", f.strategy);
    for (const Quartiles& q : f.regret) text += fmt::format("{:>16}", RangeText(q, PercentText));
    text += "\n";
  }
  return text;
}

json FiguresJson(const StrategyFigures& f) {
  json reach = json::object(), regret = json::object();
  for (size_t i = 0; i < f.reach.size(); i++) {
    reach[fmt::format("{:.2f}", kReachShares[i])] = QuartilesJson(f.reach[i]);
  }
  for (size_t i = 0; i < f.regret.size(); i++) {
    regret[std::to_string(kRegretTrials[i])] = QuartilesJson(f.regret[i]);
  }
  return {{"strategy", f.strategy}, {"trials_to_reach", reach}, {"regret_after", regret}};
}

}  // namespace

double TrialsToReach(const Curve& curve, double best, double share) {
  for (size_t i = 0; i < curve.size(); i++) {
    if (curve[i] <= best / share) return static_cast<double>(i + 1);
  }
  return std::numeric_limits<double>::infinity();
}

double RegretAfter(const Curve& curve, double best, int trials) {
  return curve[static_cast<size_t>(trials) - 1] / best - 1;
}

ReplayReport Report(const std::vector<RecordedTask>& spaces, const ReplayOptions& options,
                    const std::vector<std::vector<std::vector<Curve>>>& curves) {
  ReplayReport report{options, {}, {}};
  for (size_t i = 0; i < spaces.size(); i++) {
    report.spaces.push_back(FiguresOf(spaces[i]));
    for (size_t s = 0; s < options.strategies.size(); s++) {
      report.spaces[i].strategies.push_back(
          FiguresOf(options.strategies[s], curves[i][s], spaces[i].best, options.trials));
    }
  }
  for (size_t s = 0; s < options.strategies.size(); s++) {
    report.summary.push_back(SummaryOf(report.spaces, s));
  }
  return report;
}

std::string ReportText(const ReplayReport& r) {
  std::string text;
  for (const SpaceFigures& s : r.spaces) {
    text += fmt::format("{} on {}\n  {} configs, {} ok, {} within 5 % of the best; worst {:.3g}x",
                        s.workload, s.device, s.configs, s.ok, s.near, s.worst / s.best);
    text += fmt::format("; best {:.6g} {}\n", s.best, s.unit);
    text += TableText(s.strategies, r.options.trials) + "\n";
  }
  if (r.spaces.size() > 1) {
    text += fmt::format("median over {} spaces\n", r.spaces.size());
    text += TableText(r.summary, r.options.trials) + "\n";
  }
  return text + fmt::format("medians [and quartiles] of {} seeds\n", r.options.seeds);
}

json ReportJson(const ReplayReport& r) {
  json spaces = json::array(), summary = json::array();
  for (const SpaceFigures& s : r.spaces) {
    json strategies = json::array();
    for (const StrategyFigures& f : s.strategies) strategies.push_back(FiguresJson(f));
    spaces.push_back({{"name", s.name},
                      {"workload", s.workload},
                      {"device", s.device},
                      {"unit", s.unit},
                      {"configs", s.configs},
                      {"ok", s.ok},
                      {"within_5_percent", s.near},
                      {"best", s.best},
                      {"worst", s.worst},
                      {"strategies", strategies}});
  }
  for (const StrategyFigures& f : r.summary) summary.push_back(FiguresJson(f));
  return {{"seeds", r.options.seeds},
          {"trials", r.options.trials},
          {"spaces", spaces},
          {"summary", summary}};
}

}  // namespace halyard
