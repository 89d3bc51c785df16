#include "fmt/format.h"
#include "tuner/replay/together.h"

namespace halyard {

using nlohmann::json;

std::string TogetherText(const TogetherReport& r) {
  std::string text = fmt::format("  {:<39}{:>7}{:>9}{:>7}", "task", "weight", "best ms", "safe");
  for (const TogetherFigures& f : r.figures) text += fmt::format("{:>12}", DealingName(f.dealing));
  text += "\n";
  for (size_t i = 0; i < r.tasks.size(); i++) {
    text += fmt::format("  {:<39}{:>7.4g}{:>9.4g}{:>6.2g}x", r.tasks[i].substr(0, 38),
                        r.options.weights[i], r.best_ms[i], r.safe_ms[i] / r.best_ms[i]);
    for (const TogetherFigures& f : r.figures) text += fmt::format("{:>12}", f.trials[i]);
    text += "\n";
  }
  text += fmt::format("  {:<62}", "trials in all, of the median seed");
  for (const TogetherFigures& f : r.figures) text += fmt::format("{:>12.0f}", f.dealt.median);
  text += fmt::format("\n\n  {:<18}", "trials a task");
  for (size_t b = 0; b < r.figures[0].above.size(); b++) {
    text += fmt::format("{:>16}", kTogetherTrials[b]);
  }
  text += "\n  weighted total time above the sum of the recorded best, %\n";
  for (const TogetherFigures& f : r.figures) {
    text += fmt::format("    {:<16}", DealingName(f.dealing));
    for (const Quartiles& q : f.above) text += fmt::format("{:>16}", RangeText(q, PercentText));
    text += "\n";
  }
  return text + fmt::format("medians [and quartiles] of {} seeds, strategy {}\n", r.options.seeds,
                            r.options.strategy);
}

json TogetherJson(const TogetherReport& r) {
  json tasks = json::array(), dealings = json::array();
  for (size_t i = 0; i < r.tasks.size(); i++) {
    tasks.push_back({{"task", r.tasks[i]},
                     {"weight", r.options.weights[i]},
                     {"best_ms", r.best_ms[i]},
                     {"safe_ms", r.safe_ms[i]}});
  }
  for (const TogetherFigures& f : r.figures) {
    json above = json::object();
    for (size_t b = 0; b < f.above.size(); b++) {
      above[std::to_string(kTogetherTrials[b])] = QuartilesJson(f.above[b]);
    }
    dealings.push_back({{"dealing", DealingName(f.dealing)},
                        {"above_best", above},
                        {"trials", f.trials},
                        {"dealt", QuartilesJson(f.dealt)}});
  }
  return {
      {"strategy", r.options.strategy},   {"seeds", r.options.seeds}, {"trials", r.options.trials},
      {"stop_gain", r.options.stop_gain}, {"tasks", tasks},           {"dealings", dealings}};
}

}  // namespace halyard
