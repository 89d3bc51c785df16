// Synthetic tasks with a known cost, and a search loop over them.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "targets/counter_rng.h"
#include "tuner/search_strategy.h"

namespace halyard {

using Cost = std::function<double(const Config&)>;

inline Task TaskOf(SpaceDefinition def) {
  return Task{Workload{"synthetic", {1}, "f32", {}}, Device{}, nullptr,
              ScheduleSpace(std::move(def))};
}

// Eight sizes of nine values and a form: 43 million combinations. A sum that is too large is
// invalid, and the last size is idle under the first form.
inline Task LargeTask() {
  SpaceDefinition def;
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
    def.knobs.push_back(Knob::Sizes(name, {1, 2, 4, 8, 16, 32, 64, 128, 256}));
  }
  def.knobs.push_back(Knob::Choice("form", {"plain", "blocked", "packed"}));
  def.canonicalise = [](const ConfigView& v, Config& c) {
    if (v.is("form", "plain")) c[7] = 0;
  };
  def.why_invalid = [](const ConfigView& v) -> std::string {
    return v["a"] + v["b"] + v["c"] > 512 ? "too large" : "";
  };
  def.safe.assign(9, 0);
  return TaskOf(std::move(def));
}

// x * y grid of which every third config is valid.
inline Task TinyTask(int x, int y) {
  SpaceDefinition def;
  std::vector<int64_t> xs(x), ys(y);
  for (int i = 0; i < x; i++) xs[i] = i;
  for (int i = 0; i < y; i++) ys[i] = i;
  def.knobs = {Knob::Sizes("x", xs), Knob::Sizes("y", ys)};
  def.why_invalid = [](const ConfigView& v) -> std::string {
    return (v["x"] + v["y"]) % 3 == 0 ? "" : "not a multiple of three";
  };
  def.safe = {0, 0};
  return TaskOf(std::move(def));
}

inline std::vector<Config> AllValid(const ScheduleSpace& space) {
  std::vector<Config> all;
  for (uint64_t i = 0; i < space.size(); i++) {
    if (const Config c = space.config_at(i); space.valid(c)) all.push_back(c);
  }
  return all;
}

// A bowl; 1 at its bottom.
inline double SmoothCost(const Config& c) {
  double cost = 1;
  for (size_t k = 0; k < 8; k++) cost += 0.05 * std::pow(c[k] - (2.0 + k % 4), 2);
  return cost + (c[8] == 1 ? 0 : 0.7);
}

// The bowl with a hash of the config on top, and with couplings that make single steps misleading.
inline double RuggedCost(const Config& c) {
  uint64_t hash = 1;
  for (const int choice : c) hash = Mix64(hash + static_cast<uint64_t>(choice) + 17);
  double cost = SmoothCost(c) + 0.6 * static_cast<double>(hash >> 11) * 0x1.0p-53;
  for (size_t k = 0; k + 1 < 8; k++) cost += (c[k] + c[k + 1]) % 3 == 0 ? 0.15 : 0;
  return cost;
}

inline void Measure(SearchState& state, const std::vector<Config>& batch, const Cost& cost) {
  for (const Config& c : batch) {
    state.trials.push_back({c, true, cost(c)});
    state.tried.insert(state.task->space.index_of(c));
  }
}

// The best cost after `trials` trials in batches of `batch`.
inline double Search(SearchStrategy& strategy, SearchState state, const Cost& cost, int trials,
                     int batch) {
  while (static_cast<int>(state.trials.size()) < trials) {
    const int want = std::min(batch, trials - static_cast<int>(state.trials.size()));
    const std::vector<Config> proposed = strategy.Propose(state, want);
    if (proposed.empty()) break;
    Measure(state, proposed, cost);
  }
  double best = std::numeric_limits<double>::infinity();
  for (const Trial& t : state.trials) best = std::min(best, t.value);
  return best;
}

inline std::function<std::vector<float>(const std::vector<Config>&)> PerfectScore(Cost cost) {
  return [cost = std::move(cost)](const std::vector<Config>& configs) {
    std::vector<float> scores;
    scores.reserve(configs.size());
    for (const Config& c : configs) scores.push_back(static_cast<float>(-cost(c)));
    return scores;
  };
}

}  // namespace halyard
