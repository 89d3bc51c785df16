#include "schedules/schedule_space.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "absl/strings/str_split.h"
#include "fmt/format.h"

namespace halyard {
namespace {

int RandomBelow(std::mt19937_64& rng, int n) {
  // Not std::uniform_int_distribution: its sequence differs between standard libraries, and
  // proposals must be the same everywhere for one seed.
  return static_cast<int>((static_cast<unsigned __int128>(rng()) * n) >> 64);
}

void MutateKnob(const Knob& knob, int& choice, std::mt19937_64& rng) {
  const int n = static_cast<int>(knob.values.size());
  if (n < 2) return;
  if (!knob.categorical() && RandomBelow(rng, 4) != 0) {
    // A step or two along an ordered knob: most of the time a good size's neighbour is good too.
    const int step = RandomBelow(rng, 4) == 0 ? 2 : 1;
    const int moved = choice + (RandomBelow(rng, 2) == 0 ? step : -step);
    if (moved >= 0 && moved < n) {
      choice = moved;
      return;
    }
  }
  choice = (choice + 1 + RandomBelow(rng, n - 1)) % n;
}

}  // namespace

Knob Knob::Choice(std::string name, std::vector<std::string> labels) {
  Knob k{std::move(name), {}, std::move(labels)};
  for (size_t i = 0; i < k.labels.size(); i++) k.values.push_back(static_cast<int64_t>(i));
  return k;
}

size_t ConfigView::Find(std::string_view name) const {
  for (size_t i = 0; i < knobs_.size(); i++) {
    if (knobs_[i].name == name) return i;
  }
  throw std::out_of_range(fmt::format("no knob named '{}'", name));
}

int64_t ConfigView::operator[](std::string_view name) const {
  const size_t i = Find(name);
  return knobs_[i].values[config_[i]];
}

const std::string& ConfigView::label(std::string_view name) const {
  const size_t i = Find(name);
  return knobs_[i].labels.at(config_[i]);
}

ScheduleSpace::ScheduleSpace(SpaceDefinition definition) : def_(std::move(definition)) {
  for (const Knob& k : def_.knobs) {
    if (k.values.empty()) throw std::invalid_argument("knob '" + k.name + "' has no values");
    const uint64_t n = k.values.size();
    if (size_ > std::numeric_limits<uint64_t>::max() / n) {
      throw std::invalid_argument("the space has more than 2^64 configs");
    }
    size_ *= n;
  }
  def_.safe = canonical(def_.safe);
  if (const std::string why = why_invalid(def_.safe); !why.empty()) {
    throw std::logic_error("the safe config is not valid: " + why);
  }
}

Config ScheduleSpace::config_at(uint64_t index) const {
  Config c(def_.knobs.size());
  for (size_t i = 0; i < c.size(); i++) {
    const uint64_t n = def_.knobs[i].values.size();
    c[i] = static_cast<int>(index % n);
    index /= n;
  }
  return c;
}

uint64_t ScheduleSpace::index_of(const Config& config) const {
  uint64_t index = 0;
  for (size_t i = config.size(); i-- > 0;) {
    index = index * def_.knobs[i].values.size() + static_cast<uint64_t>(config[i]);
  }
  return index;
}

Config ScheduleSpace::canonical(Config config) const {
  if (def_.canonicalise) {
    // The view reads what is being changed: one knob's reset may make another one idle.
    for (Config before; before != config;) {
      before = config;
      def_.canonicalise(ConfigView(def_.knobs, before), config);
    }
  }
  return config;
}

std::string ScheduleSpace::why_invalid(const Config& config) const {
  if (config.size() != def_.knobs.size()) return "wrong number of knobs";
  for (size_t i = 0; i < config.size(); i++) {
    if (config[i] < 0 || config[i] >= static_cast<int>(def_.knobs[i].values.size())) {
      return "knob " + def_.knobs[i].name + " is out of range";
    }
  }
  if (canonical(config) != config) return "sets a knob that does not matter under the others";
  return def_.why_invalid ? def_.why_invalid(view(config)) : "";
}

std::optional<Config> ScheduleSpace::Random(std::mt19937_64& rng, int attempts) const {
  for (int a = 0; a < attempts; a++) {
    Config c(def_.knobs.size());
    for (size_t i = 0; i < c.size(); i++) {
      c[i] = RandomBelow(rng, static_cast<int>(def_.knobs[i].values.size()));
    }
    c = canonical(std::move(c));
    if (valid(c)) return c;
  }
  return std::nullopt;
}

Config ScheduleSpace::Neighbour(const Config& from, std::mt19937_64& rng, int attempts) const {
  for (int a = 0; a < attempts; a++) {
    Config c = from;
    const int changes = 1 + RandomBelow(rng, 2);
    for (int i = 0; i < changes; i++) {
      const int k = RandomBelow(rng, static_cast<int>(c.size()));
      const bool algorithm_change = def_.knobs[k].categorical();
      MutateKnob(def_.knobs[k], c[k], rng);
      if (algorithm_change) {
        // Knobs that were idle sit at their first value; give those that wake up a random one.
        const Config idle = canonical(from);
        for (size_t j = 0; j < c.size(); j++) {
          if (idle[j] == 0 && j != static_cast<size_t>(k) && RandomBelow(rng, 2) == 0) {
            c[j] = RandomBelow(rng, static_cast<int>(def_.knobs[j].values.size()));
          }
        }
      }
    }
    c = canonical(std::move(c));
    if (c != from && valid(c)) return c;
  }
  return from;
}

std::optional<Config> ScheduleSpace::Crossover(const Config& a, const Config& b,
                                               std::mt19937_64& rng, int attempts) const {
  for (int i = 0; i < attempts; i++) {
    Config c = a;
    for (size_t k = 0; k < c.size(); k++) {
      if (RandomBelow(rng, 2) == 0) c[k] = b[k];
    }
    c = canonical(std::move(c));
    if (valid(c)) return c;
  }
  return std::nullopt;
}

std::string ScheduleSpace::ToText(const Config& config) const {
  std::string text;
  for (size_t i = 0; i < config.size(); i++) {
    if (i != 0) text += ' ';
    text += def_.knobs[i].name + "=" + def_.knobs[i].text(config[i]);
  }
  return text;
}

absl::StatusOr<Config> ScheduleSpace::Parse(const std::string& text) const {
  Config c(def_.knobs.size(), -1);
  for (const absl::string_view item : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> kv = absl::StrSplit(item, absl::MaxSplits('=', 1));
    bool found = false;
    for (size_t i = 0; i < c.size() && !found; i++) {
      const Knob& k = def_.knobs[i];
      if (k.name != kv.first) continue;
      found = true;
      if (c[i] >= 0) {
        return absl::InvalidArgumentError(
            fmt::format("knob '{}' stands twice; give it once", k.name));
      }
      for (size_t v = 0; v < k.values.size(); v++) {
        if (k.text(static_cast<int>(v)) == kv.second) c[i] = static_cast<int>(v);
      }
      if (c[i] < 0) {
        return absl::InvalidArgumentError(
            fmt::format("knob '{}' has no value '{}'", k.name, kv.second));
      }
    }
    if (!found) return absl::InvalidArgumentError(fmt::format("no knob named '{}'", kv.first));
  }
  for (size_t i = 0; i < c.size(); i++) {
    if (c[i] < 0) {
      return absl::InvalidArgumentError(fmt::format("knob '{}' is missing", def_.knobs[i].name));
    }
  }
  return c;
}

}  // namespace halyard
