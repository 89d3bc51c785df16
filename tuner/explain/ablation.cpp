#include "tuner/explain/ablation.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

namespace halyard {
namespace {

// The other values of a knob, nearest first; of a choice, which has no order, as they come.
std::vector<int> OtherValues(const Knob& knob, int from) {
  std::vector<int> values;
  for (int v = 0; v < static_cast<int>(knob.values.size()); v++) {
    if (v != from) values.push_back(v);
  }
  if (knob.categorical()) return values;
  std::stable_sort(values.begin(), values.end(),
                   [&](int a, int b) { return std::abs(a - from) < std::abs(b - from); });
  return values;
}

class Chooser {
 public:
  Chooser(const ScheduleSpace& space, const Config& config, const std::vector<Config>& known)
      : space_(space), config_(config), known_(known) {
    for (size_t k = 0; k < config.size(); k++) matters_.push_back(Matters(space, config, k));
  }

  KnobAblations Choose(size_t knob, size_t most) const {
    KnobAblations chosen{knob, {}, ""};
    const Knob& k = space_.knobs()[knob];
    if (k.values.size() < 2) {
      chosen.why_none = "has one value";
      return chosen;
    }
    if (!matters_[knob]) {
      chosen.why_none = "does not matter under the others";
      return chosen;
    }
    std::vector<Config> left;
    for (const int value : OtherValues(k, config_[knob])) {
      if (chosen.ablations.size() == most) break;
      const std::optional<Config> changed = Changed(config_, knob, value);
      if (!changed) continue;
      if (const auto alone = Alone(*changed, knob)) {
        chosen.ablations.push_back(Described(*alone, knob));
      } else {
        left.push_back(*changed);
      }
    }
    // The nearest value that is not to be had says why.
    if (!left.empty()) chosen.why_none = "no other value is valid: " + space_.why_invalid(left[0]);
    const bool enough = !k.categorical() && !chosen.ablations.empty();
    for (size_t i = 0; i < left.size() && !enough && chosen.ablations.size() < most; i++) {
      if (const auto repaired = Repaired(left[i], knob)) {
        chosen.ablations.push_back(Described(*repaired, knob));
      }
    }
    if (!chosen.ablations.empty()) chosen.why_none.clear();
    std::sort(
        chosen.ablations.begin(), chosen.ablations.end(),
        [&](const Ablation& a, const Ablation& b) { return a.config[knob] < b.config[knob]; });
    return chosen;
  }

 private:
  // Canonical, with that very value; nothing where the space takes it back.
  std::optional<Config> Changed(Config from, size_t knob, int value) const {
    from[knob] = value;
    Config changed = space_.canonical(std::move(from));
    if (changed[knob] != value) return std::nullopt;
    return changed;
  }

  // What was idle in the config and matters in `changed`.
  std::vector<size_t> Woken(const Config& changed, size_t knob) const {
    std::vector<size_t> woken;
    for (size_t j = 0; j < changed.size(); j++) {
      if (j != knob && !matters_[j] && Matters(space_, changed, j)) woken.push_back(j);
    }
    return woken;
  }

  // `changed` itself, what wakes up in it aside.
  std::optional<Config> Alone(const Config& changed, size_t knob) const {
    const std::vector<size_t> woken = Woken(changed, knob);
    for (const Config& other : known_) {
      if (woken.empty()) break;
      if (other[knob] != changed[knob]) continue;
      Config filled = changed;
      for (const size_t j : woken) filled[j] = other[j];
      filled = space_.canonical(std::move(filled));
      if (filled[knob] == changed[knob] && space_.valid(filled)) return filled;
    }
    if (space_.valid(changed)) return changed;
    return std::nullopt;
  }

  // One more knob moved: one that has just woken up rather than one of the config's own, and then
  // the one with the fewest steps to go.
  std::optional<Config> Repaired(const Config& changed, size_t knob) const {
    std::optional<Config> best;
    std::pair<bool, int> best_price;
    for (size_t j = 0; j < changed.size(); j++) {
      if (j == knob) continue;
      for (const int value : OtherValues(space_.knobs()[j], changed[j])) {
        const std::optional<Config> moved = Changed(changed, j, value);
        if (!moved || (*moved)[knob] != changed[knob] || !space_.valid(*moved)) continue;
        const std::pair<bool, int> price = {matters_[j], std::abs(value - changed[j])};
        if (best && price >= best_price) continue;
        best = moved;
        best_price = price;
      }
    }
    return best;
  }

  Ablation Described(const Config& config, size_t knob) const {
    Ablation a{knob, config, {}};
    for (size_t j = 0; j < config.size(); j++) {
      if (j != knob && config[j] != config_[j] && Matters(space_, config, j)) a.along.push_back(j);
    }
    return a;
  }

  const ScheduleSpace& space_;
  const Config& config_;
  const std::vector<Config>& known_;
  std::vector<bool> matters_;  // of the config's knobs
};

}  // namespace

bool Matters(const ScheduleSpace& space, const Config& config, size_t knob) {
  for (const int value : OtherValues(space.knobs()[knob], config[knob])) {
    Config other = config;
    other[knob] = value;
    if (space.canonical(std::move(other)) != config) return true;
  }
  return false;
}

std::vector<KnobAblations> ChooseAblations(const ScheduleSpace& space, const Config& config,
                                           const std::vector<Config>& known, size_t most) {
  const Chooser chooser(space, config, known);
  std::vector<KnobAblations> all;
  for (size_t knob = 0; knob < config.size(); knob++) all.push_back(chooser.Choose(knob, most));
  return all;
}

}  // namespace halyard
