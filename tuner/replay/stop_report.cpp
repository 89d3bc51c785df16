#include "tuner/replay/stop_report.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "fmt/format.h"

namespace halyard {
namespace {

using nlohmann::json;

constexpr size_t kBins = 10;

// A search as far as it went, with what it knew after each batch.
struct Searched {
  Curve curve;                   // to the full budget
  std::vector<size_t> ends;      // trials after each batch
  std::vector<double> expected;  // gain, after each
  std::vector<ForecastPoint> points;
};

Searched SearchOnce(const RecordedTask& recorded, const StopOptions& options, uint64_t seed) {
  const auto core =
      MakeReplayCore(recorded.task, options.strategy, seed, {options.trials}, options.base_model);
  const auto measure = [&](const std::vector<Config>& configs) {
    for (const Config& c : configs) {
      const RecordedResult& r = recorded.at(c);
      core->Add(c, r.outcome == Outcome::kOk, r.value);
    }
    return absl::OkStatus();
  };
  Searched s;
  // Neither stopped from outside nor failing: there is no clock and no board.
  while (core->Step([] { return std::string(); }, measure)->empty()) {
    s.ends.push_back(core->trials().size());
  }
  double best = std::numeric_limits<double>::infinity();
  for (const Trial& t : core->trials()) {
    if (t.ok) best = std::min(best, t.value);
    s.curve.push_back(best);
  }
  for (const size_t end : s.ends) {
    const Forecast f = ForecastGain(std::span(core->trials()).first(end), kForecastTrials);
    s.expected.push_back(f.gain);
    const size_t then = end + kForecastTrials;
    if (then > s.curve.size() || std::isinf(s.curve[end - 1])) continue;
    s.points.push_back({f.gain, f.deviation, 1 - s.curve[then - 1] / s.curve[end - 1]});
  }
  s.curve.resize(static_cast<size_t>(options.trials), best);
  return s;
}

std::vector<ForecastBin> BinsOf(std::vector<ForecastPoint> points) {
  std::stable_sort(
      points.begin(), points.end(),
      [](const ForecastPoint& a, const ForecastPoint& b) { return a.predicted < b.predicted; });
  std::vector<ForecastBin> bins;
  for (size_t b = 0; b < kBins; b++) {
    const size_t begin = points.size() * b / kBins, end = points.size() * (b + 1) / kBins;
    ForecastBin bin;
    bin.points = end - begin;
    if (bin.points == 0) continue;
    for (size_t i = begin; i < end; i++) {
      const ForecastPoint& p = points[i];
      bin.predicted += p.predicted;
      bin.realised += p.realised;
      bin.error += (p.realised - p.predicted) * (p.realised - p.predicted);
      bin.deviation += p.deviation * p.deviation;
    }
    const auto n = static_cast<double>(bin.points);
    bin.predicted /= n;
    bin.realised /= n;
    bin.error = std::sqrt(bin.error / n);
    bin.deviation = std::sqrt(bin.deviation / n);
    bins.push_back(bin);
  }
  return bins;
}

StopFigures FiguresOf(double stop_gain, const std::vector<Searched>& searches) {
  StopFigures f;
  f.stop_gain = stop_gain;
  std::vector<double> trials, losses;
  for (const Searched& s : searches) {
    size_t end = s.curve.size();
    for (size_t i = 0; i < s.ends.size(); i++) {
      if (s.expected[i] >= stop_gain || std::isinf(s.curve[s.ends[i] - 1])) continue;
      end = s.ends[i];
      break;
    }
    trials.push_back(static_cast<double>(end));
    losses.push_back(s.curve[end - 1] / s.curve.back() - 1);
    f.mean_trials += trials.back() / static_cast<double>(searches.size());
    f.mean_loss += losses.back() / static_cast<double>(searches.size());
  }
  f.trials = QuartilesOf(trials);
  f.loss = QuartilesOf(losses);
  std::sort(losses.begin(), losses.end());
  f.worst_loss = losses.back();
  f.tenth_loss = losses[(9 * losses.size() - 1) / 10];
  return f;
}

}  // namespace

StopReport ReplayStops(const std::vector<RecordedTask>& spaces, const StopOptions& options,
                       int threads) {
  const auto seeds = static_cast<size_t>(options.seeds);
  std::vector<Searched> searches(spaces.size() * seeds);
  DealJobs(searches.size(), threads, [&](size_t job) {
    searches[job] = SearchOnce(spaces[job / seeds], options, job % seeds + 1);
  });
  StopReport report{options, spaces.size(), searches.size(), {}, {}};
  std::vector<ForecastPoint> points;
  for (const Searched& s : searches) points.insert(points.end(), s.points.begin(), s.points.end());
  report.bins = BinsOf(std::move(points));
  for (const double gain : kStopGains) report.figures.push_back(FiguresOf(gain, searches));
  return report;
}

std::string StopText(const StopReport& r) {
  std::string text =
      fmt::format("forecasts of {} more trials after each batch, by tenths\n  ", kForecastTrials);
  text += fmt::format("{:>8}{:>14}{:>14}{:>14}{:>14}\n", "points", "predicted %", "realised %",
                      "error %", "stated %");
  for (const ForecastBin& b : r.bins) {
    text += fmt::format("  {:>8}{:>14.2f}{:>14.2f}{:>14.2f}{:>14.2f}\n", b.points,
                        100 * b.predicted, 100 * b.realised, 100 * b.error, 100 * b.deviation);
  }
  text += fmt::format("\nstopping where less is expected, beside {} trials\n  ", r.options.trials);
  text += fmt::format("{:>8}{:>18}{:>9}{:>12}{:>12}{:>12}{:>12}\n", "gain %", "trials", "saved %",
                      "loss %", "mean", "9 of 10 <", "worst");
  for (const StopFigures& f : r.figures) {
    const auto range = fmt::format("{} [{} {}]", f.trials.median, f.trials.low, f.trials.high);
    text +=
        fmt::format("  {:>8.1f}{:>18}{:>9.0f}{:>12.2f}{:>12.2f}{:>12.2f}{:>12.2f}\n",
                    100 * f.stop_gain, range, 100 * (1 - f.mean_trials / r.options.trials),
                    100 * f.loss.median, 100 * f.mean_loss, 100 * f.tenth_loss, 100 * f.worst_loss);
  }
  return text + fmt::format("medians [and quartiles] of {} searches of {} spaces, strategy {}\n",
                            r.searches, r.spaces, r.options.strategy);
}

json StopJson(const StopReport& r) {
  json bins = json::array(), stops = json::array();
  for (const ForecastBin& b : r.bins) {
    bins.push_back({{"points", b.points},
                    {"predicted", b.predicted},
                    {"realised", b.realised},
                    {"error", b.error},
                    {"deviation", b.deviation}});
  }
  for (const StopFigures& f : r.figures) {
    stops.push_back({{"stop_gain", f.stop_gain},
                     {"mean_trials", f.mean_trials},
                     {"trials", QuartilesJson(f.trials)},
                     {"loss", QuartilesJson(f.loss)},
                     {"mean_loss", f.mean_loss},
                     {"tenth_loss", f.tenth_loss},
                     {"worst_loss", f.worst_loss}});
  }
  return {{"strategy", r.options.strategy},
          {"seeds", r.options.seeds},
          {"trials", r.options.trials},
          {"spaces", r.spaces},
          {"searches", r.searches},
          {"horizon", kForecastTrials},
          {"forecasts", bins},
          {"stops", stops}};
}

}  // namespace halyard
