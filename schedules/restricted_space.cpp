#include "schedules/restricted_space.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>

#include "absl/strings/str_join.h"
#include "fmt/format.h"

namespace halyard {
namespace {

constexpr uint32_t kOutside = std::numeric_limits<uint32_t>::max();

// What the whole space says about each combination of the kept values.
struct Table {
  std::vector<uint32_t> canonical;  // index of the canonical form, kOutside where it is not kept
  std::vector<char> valid;
};

// The config of the whole space that a restricted one stands for.
Config Widen(const Restriction& kept, const Config& restricted) {
  Config whole(restricted.size());
  for (size_t k = 0; k < whole.size(); k++) whole[k] = kept[k][restricted[k]];
  return whole;
}

// The restricted config that stands for `whole`; empty where a value was not kept.
Config Narrow(const Restriction& kept, const Config& whole) {
  Config restricted(whole.size());
  for (size_t k = 0; k < whole.size(); k++) {
    const auto at = std::lower_bound(kept[k].begin(), kept[k].end(), whole[k]);
    if (at == kept[k].end() || *at != whole[k]) return {};
    restricted[k] = static_cast<int>(at - kept[k].begin());
  }
  return restricted;
}

Knob KeepValues(const Knob& knob, const std::vector<int>& kept) {
  if (knob.categorical()) {
    std::vector<std::string> labels;
    for (const int position : kept) labels.push_back(knob.labels[position]);
    return Knob::Choice(knob.name, std::move(labels));
  }
  std::vector<int64_t> values;
  for (const int position : kept) values.push_back(knob.values[position]);
  return Knob::Sizes(knob.name, std::move(values));
}

// `index` is mixed radix, first knob fastest, as ScheduleSpace's.
Config ConfigAt(const std::vector<Knob>& knobs, uint64_t index) {
  Config c(knobs.size());
  for (size_t k = 0; k < c.size(); k++) {
    c[k] = static_cast<int>(index % knobs[k].values.size());
    index /= knobs[k].values.size();
  }
  return c;
}

uint64_t IndexOf(const std::vector<Knob>& knobs, const Config& config) {
  uint64_t index = 0;
  for (size_t k = config.size(); k-- > 0;) {
    index = index * knobs[k].values.size() + static_cast<uint64_t>(config[k]);
  }
  return index;
}

Table Tabulate(const ScheduleSpace& whole, const Restriction& kept, const std::vector<Knob>& knobs,
               uint64_t size) {
  Table table{std::vector<uint32_t>(size, kOutside), std::vector<char>(size, 0)};
  const auto combinations = static_cast<int64_t>(size);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < combinations; i++) {
    const Config wide = Widen(kept, ConfigAt(knobs, static_cast<uint64_t>(i)));
    const Config canonical = whole.canonical(wide);
    const Config narrow = Narrow(kept, canonical);
    if (narrow.empty()) continue;
    table.canonical[i] = static_cast<uint32_t>(IndexOf(knobs, narrow));
    table.valid[i] = canonical == wide && whole.valid(wide) ? 1 : 0;
  }
  return table;
}

absl::StatusOr<std::vector<int>> ParseValues(const Knob& knob,
                                             const std::vector<std::string>& values) {
  std::vector<std::string> texts;
  for (size_t v = 0; v < knob.values.size(); v++) texts.push_back(knob.text(static_cast<int>(v)));
  std::vector<int> positions;
  for (const std::string& value : values) {
    const auto at = std::find(texts.begin(), texts.end(), value);
    if (at == texts.end()) {
      return absl::InvalidArgumentError(fmt::format("knob '{}' has no value '{}'; it has {}",
                                                    knob.name, value, absl::StrJoin(texts, ", ")));
    }
    positions.push_back(static_cast<int>(at - texts.begin()));
  }
  if (positions.empty()) {
    return absl::InvalidArgumentError(fmt::format("knob '{}' is given no value; it has {}",
                                                  knob.name, absl::StrJoin(texts, ", ")));
  }
  std::sort(positions.begin(), positions.end());
  positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
  return positions;
}

}  // namespace

absl::StatusOr<Restriction> ParseRestriction(const ScheduleSpace& space,
                                             const std::vector<KnobSubset>& subsets) {
  const std::vector<Knob>& knobs = space.knobs();
  Restriction kept(knobs.size());
  for (const KnobSubset& subset : subsets) {
    const auto knob = std::find_if(knobs.begin(), knobs.end(),
                                   [&](const Knob& k) { return k.name == subset.knob; });
    if (knob == knobs.end()) {
      const auto name = [](std::string* out, const Knob& k) { out->append(k.name); };
      return absl::InvalidArgumentError(fmt::format("no knob named '{}'; the space has {}",
                                                    subset.knob, absl::StrJoin(knobs, ", ", name)));
    }
    std::vector<int>& positions = kept[static_cast<size_t>(knob - knobs.begin())];
    if (!positions.empty()) {
      return absl::InvalidArgumentError(
          fmt::format("knob '{}' is restricted twice; give all its values at once", subset.knob));
    }
    auto parsed = ParseValues(*knob, subset.values);
    if (!parsed.ok()) return parsed.status();
    positions = *std::move(parsed);
  }
  for (size_t k = 0; k < kept.size(); k++) {
    if (!kept[k].empty()) continue;
    kept[k].resize(knobs[k].values.size());
    std::iota(kept[k].begin(), kept[k].end(), 0);
  }
  return kept;
}

std::vector<KnobSubset> RestrictionText(const ScheduleSpace& space,
                                        const Restriction& restriction) {
  std::vector<KnobSubset> subsets;
  for (size_t k = 0; k < restriction.size(); k++) {
    subsets.push_back({space.knobs()[k].name, {}});
    for (const int v : restriction[k]) subsets.back().values.push_back(space.knobs()[k].text(v));
  }
  return subsets;
}

absl::StatusOr<Task> RestrictTask(const Task& task, const Restriction& kept) {
  SpaceDefinition def;
  def.version = task.space.version();
  double size = 1;
  for (size_t k = 0; k < kept.size(); k++) {
    def.knobs.push_back(KeepValues(task.space.knobs()[k], kept[k]));
    size *= static_cast<double>(kept[k].size());
  }
  if (size > static_cast<double>(kMostRestrictedCombinations)) {
    return absl::InvalidArgumentError(
        fmt::format("{:.3g} combinations of the kept values, more than {}; keep fewer values", size,
                    kMostRestrictedCombinations));
  }
  def.safe = Narrow(kept, task.space.safe());
  if (def.safe.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("the safe config is left out, which every search measures first; keep {}",
                    task.space.ToText(task.space.safe())));
  }
  const auto table = std::make_shared<const Table>(
      Tabulate(task.space, kept, def.knobs, static_cast<uint64_t>(size)));
  def.canonicalise = [table, knobs = def.knobs](const ConfigView&, Config& c) {
    const uint32_t index = table->canonical[IndexOf(knobs, c)];
    // Left as it is where its canonical form is outside: it is not valid then.
    if (index != kOutside) c = ConfigAt(knobs, index);
  };
  def.why_invalid = [table, knobs = def.knobs](const ConfigView& view) -> std::string {
    const uint64_t index = IndexOf(knobs, view.config());
    if (table->valid[index] != 0) return "";
    return table->canonical[index] == kOutside ? "its canonical form has a value that is left out"
                                               : "not valid in the whole space";
  };
  return Task{task.workload, task.device, task.op, ScheduleSpace(std::move(def))};
}

std::vector<uint64_t> ValidIndices(const ScheduleSpace& space) {
  std::vector<uint64_t> indices;
  for (uint64_t i = 0; i < space.size(); i++) {
    if (space.valid(space.config_at(i))) indices.push_back(i);
  }
  return indices;
}

}  // namespace halyard
