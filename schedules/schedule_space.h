// A schedule space: knobs, the rule that says which configs are valid, neighbours, and the
// index <-> config mapping that gives every config a number.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace halyard {

// One choice. Values are integers; where `labels` is not empty, value i is i and is written
// labels[i] (an unordered choice such as an algorithm form), otherwise values are sizes in rising
// order.
struct Knob {
  std::string name;
  std::vector<int64_t> values;
  std::vector<std::string> labels;

  static Knob Sizes(std::string name, std::vector<int64_t> values) {
    return {std::move(name), std::move(values), {}};
  }
  static Knob Choice(std::string name, std::vector<std::string> labels);
  bool categorical() const { return !labels.empty(); }
  std::string text(int choice) const {
    return categorical() ? labels[choice] : std::to_string(values[choice]);
  }
};

// One value for each knob, as positions into Knob::values.
using Config = std::vector<int>;

// What an operator says about its space for one workload and device. Read through ScheduleSpace.
struct SpaceDefinition {
  int version = 1;  // raised whenever the same config text would build a different program
  std::vector<Knob> knobs;
  // Sets knobs that do not matter under the others to their first value, so that two different
  // configs are two different programs.
  std::function<void(const class ConfigView&, Config&)> canonicalise;
  // Empty for a config that builds, fits and is right; otherwise why not.
  std::function<std::string(const class ConfigView&)> why_invalid;
  // Compiles quickly and is right everywhere: the baseline of every report.
  Config safe;
};

// Reads a config by knob name; throws std::out_of_range for a name the space does not have.
class ConfigView {
 public:
  ConfigView(const std::vector<Knob>& knobs, const Config& config)
      : knobs_(knobs), config_(config) {}
  int64_t operator[](std::string_view name) const;
  // The label of a categorical knob.
  const std::string& label(std::string_view name) const;
  bool is(std::string_view name, std::string_view label) const {
    return this->label(name) == label;
  }
  const Config& config() const { return config_; }

 private:
  size_t Find(std::string_view name) const;
  const std::vector<Knob>& knobs_;
  const Config& config_;
};

// Immutable after construction, so safe to share between threads.
class ScheduleSpace {
 public:
  explicit ScheduleSpace(SpaceDefinition definition);

  const std::vector<Knob>& knobs() const { return def_.knobs; }
  int version() const { return def_.version; }
  const Config& safe() const { return def_.safe; }
  ConfigView view(const Config& c) const { return {def_.knobs, c}; }

  // Number of knob combinations, valid or not (mixed radix, first knob fastest).
  uint64_t size() const { return size_; }
  Config config_at(uint64_t index) const;
  uint64_t index_of(const Config& config) const;

  // Empty when valid. A config that is not canonical is not valid.
  std::string why_invalid(const Config& config) const;
  bool valid(const Config& config) const { return why_invalid(config).empty(); }
  Config canonical(Config config) const;

  // A valid config, uniform over what canonicalised uniform draws reach; nullopt when `attempts`
  // draws gave none.
  std::optional<Config> Random(std::mt19937_64& rng, int attempts = 4000) const;
  // A valid config that differs from `from` in one or two knobs (sizes mostly move a step or two).
  // Returns `from` itself when `attempts` mutations gave nothing else.
  Config Neighbour(const Config& from, std::mt19937_64& rng, int attempts = 64) const;
  // Each knob from either parent, repaired by canonicalisation; nullopt when no mix was valid.
  std::optional<Config> Crossover(const Config& a, const Config& b, std::mt19937_64& rng,
                                  int attempts = 16) const;

  // `form=pipelined m=16 ...`, knobs in order; round-trips.
  std::string ToText(const Config& config) const;
  absl::StatusOr<Config> Parse(const std::string& text) const;

 private:
  SpaceDefinition def_;
  uint64_t size_ = 1;
};

}  // namespace halyard
