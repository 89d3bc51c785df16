#include "rpc_farm/simulated/simulation_script.h"

#include <fmt/format.h>

#include <cmath>

#include "targets/counter_rng.h"
#include "targets/json_fields.h"

namespace halyard {
namespace {

using nlohmann::json;

constexpr char kKind[] = "a simulation";
// A script of years is a slip of the pen.
constexpr double kLongest = 1e8;
// Shortest of what has to last: nothing shorter is seen by a run.
constexpr double kShortest = 1e-3;
constexpr size_t kMostSteps = 1000;

// One that may be left out.
void ReadNumber(JsonFields& fields, const char* name, double least, double most, double* out) {
  const json* value = fields.Find(name);
  if (value == nullptr) return;
  if (!value->is_number() || !(value->get<double>() >= least && value->get<double>() <= most)) {
    return fields.Fail(name, fmt::format("must be a number from {} to {}", least, most));
  }
  *out = value->get<double>();
}

void ReadSeconds(JsonFields& fields, const char* name, double least, double* out) {
  if (fields.Required(name) != nullptr) ReadNumber(fields, name, least, kLongest, out);
}

// Each object of a list that may be left out.
template <typename Step, typename ReadStep>
void ReadSteps(JsonFields& fields, const char* name, std::vector<Step>* steps, ReadStep read) {
  const json* list = fields.Find(name);
  if (list == nullptr) return;
  if (!list->is_array() || list->size() > kMostSteps) {
    return fields.Fail(name, fmt::format("must be a list of at most {} objects", kMostSteps));
  }
  double free_from = 0;
  for (size_t i = 0; i < list->size(); ++i) {
    const std::string prefix = fields.FieldName(fmt::format("{}[{}].", name, i));
    JsonFields inner((*list)[i], fields.file(), prefix, kKind);
    Step step;
    const double lasts = read(inner, &step);
    if (step.at_s < free_from) {
      inner.Fail("at_s", fmt::format("must be {} or later: the one before ends then", free_from));
    }
    free_from = step.at_s + lasts;
    fields.Take(inner.Finish());
    steps->push_back(step);
  }
}

void ReadHeat(JsonFields& fields, std::optional<HeatScript>* heat) {
  const json* object = fields.Find("heat");
  if (object == nullptr) return;
  JsonFields inner(*object, fields.file(), fields.FieldName("heat."), kKind);
  HeatScript script;
  ReadNumber(inner, "ambient_c", -40, 100, &script.ambient_c);
  ReadNumber(inner, "rise_c", 0, 500, &script.rise_c);
  ReadNumber(inner, "time_constant_s", kShortest, kLongest, &script.time_constant_s);
  ReadNumber(inner, "limit_c", -40, 500, &script.limit_c);
  ReadNumber(inner, "hysteresis_c", 0, 100, &script.hysteresis_c);
  ReadNumber(inner, "throttled_clock", 0.01, 1, &script.throttled_clock);
  if (script.limit_c - script.hysteresis_c <= script.ambient_c) {
    inner.Fail("limit_c", "less hysteresis_c must be above ambient_c: it would never cool to it");
  }
  fields.Take(inner.Finish());
  *heat = script;
}

void ReadReboots(JsonFields& fields, std::optional<Reboots>* reboots) {
  const json* object = fields.Find("reboot");
  if (object == nullptr) return;
  JsonFields inner(*object, fields.file(), fields.FieldName("reboot."), kKind);
  Reboots script;
  ReadSeconds(inner, "every_s", kShortest, &script.every_s);
  ReadSeconds(inner, "for_s", kShortest, &script.for_s);
  if (script.for_s >= script.every_s) inner.Fail("for_s", "must be less than every_s");
  fields.Take(inner.Finish());
  *reboots = script;
}

}  // namespace

absl::StatusOr<SimulationScript> ReadSimulationScript(const json& object, const std::string& file,
                                                      const std::string& field) {
  JsonFields fields(object, file, field + ".", kKind);
  SimulationScript script;
  int64_t seed = 0;
  if (fields.Find("seed") != nullptr) fields.Integer("seed", 0, &seed);
  script.seed = static_cast<uint64_t>(seed);
  ReadNumber(fields, "speed", 0.001, 1000, &script.speed);
  ReadNumber(fields, "speed_spread", 0, 0.5, &script.speed_spread);
  ReadNumber(fields, "noise", 0, 0.5, &script.noise);
  ReadSteps(fields, "drift", &script.drift, [](JsonFields& f, DriftStep* step) {
    ReadSeconds(f, "at_s", 0, &step->at_s);
    ReadNumber(f, "over_s", 0, kLongest, &step->over_s);
    if (f.Required("to") != nullptr) ReadNumber(f, "to", 0.01, 100, &step->to);
    return step->over_s;
  });
  ReadHeat(fields, &script.heat);
  ReadNumber(fields, "hang", 0, 1, &script.hang);
  ReadNumber(fields, "wrong", 0, 1, &script.wrong);
  ReadReboots(fields, &script.reboot);
  ReadSteps(fields, "partition", &script.partition, [](JsonFields& f, Partition* partition) {
    ReadSeconds(f, "at_s", 0, &partition->at_s);
    ReadSeconds(f, "for_s", kShortest, &partition->for_s);
    return partition->for_s;
  });
  ReadNumber(fields, "pace", 0, 1, &script.pace);
  if (absl::Status s = fields.Finish(); !s.ok()) return s;
  return script;
}

uint64_t SeedOfBoard(uint64_t seed, const std::string& name) {
  uint64_t mixed = Mix64(seed + 1);
  for (size_t i = 0; i < name.size(); ++i) {
    mixed = CounterBits(mixed, i, static_cast<unsigned char>(name[i]));
  }
  return mixed;
}

}  // namespace halyard
