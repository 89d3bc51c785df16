#include "cost_model/known_tasks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "cost_model/dataset.h"

namespace halyard {
namespace {

// Slower than this many times the best is no example.
constexpr double kFarFromBest = 1.3;
// Tasks that are asked, and what another device counts as, in powers of two.
constexpr size_t kNearest = 8;
constexpr double kOtherDevice = 2;
// Attributes that leave the loops alone.
constexpr double kSmallMatter = 0.25;

int Differences(const Config& a, const Config& b) {
  int count = 0;
  for (size_t k = 0; k < a.size(); k++) count += a[k] != b[k] ? 1 : 0;
  return count;
}

double Octaves(int64_t a, int64_t b) {
  return std::log2(static_cast<double>(a) / static_cast<double>(b));
}

// 0 stands beside small sizes, as "none" does in most knobs.
double KnobOctaves(int64_t a, int64_t b) { return std::abs(Octaves(2 * a + 1, 2 * b + 1)); }

// Position of the value that `text` means, or comes nearest to; nullopt: a choice that is not
// there.
std::optional<int> ValueOf(const Knob& knob, const std::string& text) {
  if (knob.categorical()) {
    const auto found = std::find(knob.labels.begin(), knob.labels.end(), text);
    if (found == knob.labels.end()) return std::nullopt;
    return static_cast<int>(found - knob.labels.begin());
  }
  int64_t wanted = 0;
  if (!absl::SimpleAtoi(text, &wanted) || wanted < 0) return std::nullopt;
  const auto nearest = std::min_element(
      knob.values.begin(), knob.values.end(),
      [&](int64_t a, int64_t b) { return KnobOctaves(a, wanted) < KnobOctaves(b, wanted); });
  return static_cast<int>(nearest - knob.values.begin());
}

// As many of the wanted values as make a valid config, in the order of the knobs; several passes,
// because one may become possible through another.
Config Approach(const Config& wanted, const ScheduleSpace& space) {
  Config at = space.safe();
  for (bool moved = true; moved;) {
    moved = false;
    for (size_t k = 0; k < at.size(); k++) {
      if (at[k] == wanted[k]) continue;
      Config next = at;
      next[k] = wanted[k];
      next = space.canonical(std::move(next));
      // Nearer, so that two knobs that exclude one another do not take turns for ever.
      if (Differences(next, wanted) >= Differences(at, wanted) || !space.valid(next)) continue;
      at = std::move(next);
      moved = true;
    }
  }
  return at;
}

}  // namespace

KnownTask KnownTaskOf(const MeasuredTask& measured) {
  std::vector<const Measurement*> order;
  for (const Measurement& m : measured.measurements) {
    if (m.ok) order.push_back(&m);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const Measurement* a, const Measurement* b) { return a->value < b->value; });
  const Task& task = *measured.task;
  KnownTask known{task.workload, task.device.id, {}};
  std::vector<const Measurement*> taken;
  for (const Measurement* m : order) {
    if (taken.size() == kMostKnownConfigs || m->value > kFarFromBest * order.front()->value) break;
    const bool new_one = std::all_of(taken.begin(), taken.end(), [&](const Measurement* t) {
      return Differences(t->config, m->config) > 1;
    });
    if (!new_one) continue;
    taken.push_back(m);
    known.configs.push_back(task.space.ToText(m->config));
  }
  return known;
}

double WorkloadDistance(const Workload& a, const Workload& b) {
  if (a.op != b.op || a.shape.size() != b.shape.size()) {
    return std::numeric_limits<double>::infinity();
  }
  double squares = 0;
  for (size_t i = 0; i < a.shape.size(); i++) {
    const double octaves = Octaves(a.shape[i], b.shape[i]);
    squares += octaves * octaves;
  }
  for (const auto& [name, value] : a.attributes) {
    const auto other = b.attributes.find(name);
    if (other == b.attributes.end()) continue;
    const bool small = name == "packed" || name == "bias" || name == "residual" || name == "act";
    const double octaves = Octaves(1 + value, 1 + other->second) * (small ? kSmallMatter : 1);
    squares += octaves * octaves;
  }
  return std::sqrt(squares);
}

std::optional<Config> CarryOver(const std::string& text, const ScheduleSpace& space) {
  std::map<std::string, std::string> values;
  for (const auto& part : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> pair = absl::StrSplit(part, absl::MaxSplits('=', 1));
    if (pair.first.empty() || pair.second.empty()) return std::nullopt;
    values.insert(pair);
  }
  Config wanted = space.safe();
  for (size_t k = 0; k < wanted.size(); k++) {
    const auto found = values.find(space.knobs()[k].name);
    if (found == values.end()) continue;
    wanted[k] = ValueOf(space.knobs()[k], found->second).value_or(wanted[k]);
  }
  Config exact = space.canonical(wanted);
  return space.valid(exact) ? exact : Approach(wanted, space);
}

std::vector<Config> ConfigsOfSimilarTasks(std::span<const KnownTask> known, const Task& task,
                                          size_t most) {
  std::vector<std::pair<double, const KnownTask*>> near;
  for (const KnownTask& k : known) {
    const double distance = WorkloadDistance(k.workload, task.workload);
    if (std::isinf(distance) || k.configs.empty()) continue;
    near.emplace_back(distance + (k.device == task.device.id ? 0 : kOtherDevice), &k);
  }
  std::stable_sort(near.begin(), near.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  near.resize(std::min(near.size(), kNearest));
  std::vector<Config> configs;
  for (size_t place = 0; place < kMostKnownConfigs; place++) {
    for (const auto& [distance, other] : near) {
      if (place >= other->configs.size() || configs.size() == most) continue;
      const auto config = CarryOver(other->configs[place], task.space);
      if (!config || std::find(configs.begin(), configs.end(), *config) != configs.end()) continue;
      configs.push_back(*config);
    }
  }
  return configs;
}

}  // namespace halyard
