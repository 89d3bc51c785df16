// What a simulated board goes through, as a person writes it into a boards file:
//
//   "simulation": {"seed": 1, "speed": 1.0, "speed_spread": 0.05, "noise": 0.02,
//                  "drift": [{"at_s": 60, "over_s": 30, "to": 1.15}],
//                  "heat": {"ambient_c": 25, "rise_c": 60, "time_constant_s": 90, "limit_c": 80,
//                           "hysteresis_c": 5, "throttled_clock": 0.6},
//                  "hang": 0.001, "wrong": 0.001, "reboot": {"every_s": 600, "for_s": 30},
//                  "partition": [{"at_s": 300, "for_s": 20}], "pace": 1.0}
//
// Every field may be left out, and then nothing of the kind happens. Seconds are of the board's own
// time, which begins with its agent and passes with the clock; where `pace` makes its runs shorter
// than they say, by what they say.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace halyard {

struct DriftStep {
  double at_s = 0;    // begins
  double over_s = 0;  // to reach `to`, evenly; 0: at once
  double to = 1;      // times are those of the beginning times this
};

// A body of one temperature under a load (see heat_model.h).
struct HeatScript {
  double ambient_c = 25;
  double rise_c = 60;  // above that, in the end, under load at the full clock
  double time_constant_s = 90;
  double limit_c = 80;           // here the clock falls,
  double hysteresis_c = 5;       // and comes back this much below
  double throttled_clock = 0.6;  // share of the full clock
};

struct Reboots {
  double every_s = 0;  // from one to the next; the first at a time that is each board's own
  double for_s = 0;
};

struct Partition {
  double at_s = 0, for_s = 0;
};

struct SimulationScript {
  uint64_t seed = 0;
  double speed = 1;         // 2: takes half the time
  double speed_spread = 0;  // relative deviation between the boards of a `count`
  double noise = 0;         // relative deviation of a sample
  std::vector<DriftStep> drift;
  std::optional<HeatScript> heat;
  double hang = 0;   // probability that a run does not end
  double wrong = 0;  // that its answer is wrong
  std::optional<Reboots> reboot;
  std::vector<Partition> partition;
  double pace = 1;  // seconds of the clock a second of a run takes: 1: as said, 0: none at all
};

// `file`, `field`: for errors, "boards.json" and "boards[0].simulation".
// InvalidArgument: one line with both, what is wrong and what would be right.
absl::StatusOr<SimulationScript> ReadSimulationScript(const nlohmann::json& object,
                                                      const std::string& file,
                                                      const std::string& field);

// Of one of many boards that share a script.
uint64_t SeedOfBoard(uint64_t seed, const std::string& name);

}  // namespace halyard
