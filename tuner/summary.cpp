#include "tuner/summary.h"

#include <algorithm>

#include "fmt/format.h"

namespace halyard {

using nlohmann::json;

std::string Wrapped(const std::string& text, const std::string& indent, size_t columns) {
  std::string out;
  size_t at = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    if (at == 0 || at + 1 + word.size() > columns) {
      if (at != 0) out += '\n';
      out += indent;
      out += word;
      at = indent.size() + word.size();
    } else {
      out += ' ';
      out += word;
      at += 1 + word.size();
    }
    begin = end + 1;
  }
  return out;
}

std::string FailureLines(const SearchResult& search) {
  std::vector<std::pair<int, std::string>> causes;
  for (const auto& [message, count] : search.failures) causes.emplace_back(count, message);
  std::sort(causes.rbegin(), causes.rend());
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(causes.size(), 3); i++) {
    text += fmt::format("  {:>5}x {}\n", causes[i].first, causes[i].second.substr(0, 200));
  }
  return text;
}

std::string BoardNote(const Device& device) {
  switch (device.board_kind()) {
    case BoardKind::kPhysical:
      break;
    case BoardKind::kVirtual:
      return fmt::format(
          "  the board was VIRTUAL: cycles counted under emulation, shown at {} GHz; no board ran "
          "this\n",
          device.clock_ghz);
    case BoardKind::kSimulated:
      return "  the board was SIMULATED: times made by a farm's script; no board ran this\n";
  }
  return "";
}

json OutcomesJson(const SearchResult& search) {
  json trials;
  for (size_t i = 0; i < kOutcomeNames.size(); i++) {
    const auto found = search.outcomes.find(static_cast<Outcome>(i));
    trials[std::string(kOutcomeNames[i])] = found == search.outcomes.end() ? 0 : found->second;
  }
  return trials;
}

json ForecastJson(const Forecast& forecast) {
  return {{"trials", forecast.trials},
          {"gain", forecast.gain},
          {"deviation", forecast.deviation},
          {"seconds", forecast.seconds ? json(*forecast.seconds) : json()}};
}

std::string SummaryText(const Summary& s) {
  const Roofline& roof = s.roofline;
  std::string out = fmt::format("{} on {}\n", s.task.workload.ToText(), s.task.device.id);
  out += BoardNote(s.task.device);
  out += fmt::format("\n  {:<28} {:>10} {:>9} {:>6} {:>9}\n", "", "ms", "GFLOP/s",
                     roof.memory_bound() ? "% copy" : "% peak", "to winner");
  for (const Finalist& f : s.final.table) {
    out += fmt::format("  {:<28} {:>10.4g} {:>9.1f} {:>6.1f} {:>9}\n", f.label.substr(0, 28),
                       roof.Milliseconds(f.value()), roof.Gflops(f.value()),
                       100 * roof.Share(f.value()),
                       fmt::format("{:.2f}x", f.value() / s.final.winner_value));
  }
  if (!s.final.peer_failed.empty()) {
    out += fmt::format("  Halide Adams2019 has no time: {}\n", s.final.peer_failed);
  }
  if (roof.memory_bound() && roof.Share(s.final.winner_value) > 1) {
    out += "  over 100 % of the memory's copy bandwidth: the data stays in cache between runs\n";
  }
  if (s.final.rounds > 0) {
    out += fmt::format("  medians of {} interleaved rounds in one run\n", s.final.rounds);
    const Finalist& first = s.final.table.front();
    if (!first.config.empty() && first.config != s.final.winner) {
      out += "  a faster median above the winner's is within the rounds' noise of it\n";
    }
  }
  out += "\n  winner    " +
         Wrapped(s.task.space.ToText(s.final.winner), "            ").substr(12) + "\n";
  out += "  baseline  " +
         Wrapped(s.task.space.ToText(s.final.baseline), "            ").substr(12) + "\n";
  if (s.final.baseline_value > 0) {
    out += fmt::format("  speed-up  {:.2f}x over the baseline (the safe schedule)\n",
                       s.final.baseline_value / s.final.winner_value);
  }
  const int here = static_cast<int>(s.search.trials.size()) - s.search.resumed;
  out += fmt::format("  trials    {}", s.search.trials.size());
  if (s.search.resumed > 0) out += fmt::format(" ({} of them from the log)", s.search.resumed);
  for (const auto& [outcome, count] : s.search.outcomes) {
    out += fmt::format(", {} {}", OutcomeName(outcome), count);
  }
  out +=
      fmt::format("\n            {:.1f} s, {:.1f} trials/s; stopped: {}\n", s.search.seconds,
                  s.search.seconds > 0 ? here / s.search.seconds : 0.0, s.search.stopped_because);
  const std::string more = ForecastText(s.search.forecast);
  if (!more.empty() && more != s.search.stopped_because) {
    out += fmt::format("            {}\n", more);
  }
  if (!s.search.model.empty()) {
    out += "  model     " + Wrapped(s.search.model, "            ").substr(12) + "\n";
  }
  if (const std::string failures = FailureLines(s.search); !failures.empty()) {
    out += "  failures, the most frequent\n" + failures;
  }
  if (!s.library.empty()) {
    out += fmt::format("  library   {}\n  header    {}\n  manifest  {}\n", s.library, s.header,
                       s.manifest);
  }
  out += fmt::format("  log       {}\n", s.options.log_path);
  return out;
}

json SummaryJson(const Summary& s) {
  json finalists = json::array();
  for (const Finalist& f : s.final.table) {
    finalists.push_back({{"label", f.label},
                         {"value", f.value()},
                         {"samples", f.samples},
                         {"config", f.config.empty() ? "" : s.task.space.ToText(f.config)}});
  }
  const int here = static_cast<int>(s.search.trials.size()) - s.search.resumed;
  json baseline = {{"config", s.task.space.ToText(s.final.baseline)}, {"value", nullptr}};
  if (s.final.baseline_value > 0) baseline["value"] = s.final.baseline_value;
  return {{"workload", s.task.workload.ToText()},
          {"device", s.task.device.id},
          {"board_kind", BoardKindName(s.task.device.board_kind())},
          {"unit", UnitOf(s.task.device.board_kind())},
          {"best",
           {{"value", s.final.winner_value},
            {"config", s.task.space.ToText(s.final.winner)},
            {"record", s.final.winner_record},
            {"gflops", s.roofline.Gflops(s.final.winner_value)},
            {"roofline_share", s.roofline.Share(s.final.winner_value)}}},
          {"baseline", baseline},
          {"finalists", finalists},
          {"peer_failed", s.final.peer_failed},
          {"rounds", s.final.rounds},
          {"trials", OutcomesJson(s.search)},
          {"resumed", s.search.resumed},
          {"trials_per_second", s.search.seconds > 0 ? here / s.search.seconds : 0.0},
          {"seconds", s.search.seconds},
          {"model", s.search.model},
          {"stopped", s.search.stopped_because},
          {"expected", ForecastJson(s.search.forecast)},
          {"rank_correlation", s.search.correlation ? json(*s.search.correlation) : json()},
          {"library", s.library},
          {"header", s.header},
          {"manifest", s.manifest},
          {"log", s.options.log_path}};
}

}  // namespace halyard
