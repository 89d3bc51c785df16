// The ablations of a config: each of its knobs set to another value, the rest as it is, as far as
// the space lets it be.
#pragma once

#include <string>
#include <vector>

#include "schedules/schedule_space.h"

namespace halyard {

struct Ablation {
  size_t knob = 0;
  Config config;  // valid, and another value of `knob` than the config that is explained
  // Other knobs that matter there and have another value: some were idle and wake up with `knob`
  // (the form of an algorithm has knobs of its own), some had to move for the space to allow it.
  std::vector<size_t> along;
};

struct KnobAblations {
  size_t knob = 0;
  std::vector<Ablation> ablations;  // in the order of the knob's values
  std::string why_none;             // not empty where there are none
};

// Whether the config would be another one with some other value of the knob, be it valid or not.
bool Matters(const ScheduleSpace& space, const Config& config, size_t knob);

// One entry a knob, in order. Of a size the values nearest to the config's, of a choice the others
// in order, `most` of those that are valid with nothing else changed. Only where a size has none of
// these, and for the labels of a choice that are left, one other knob moves along, by as few steps
// as make the config valid. A knob that wakes up has the value that it has in the first of `known`
// with the same new value, as a config that a search thought good has: at its first value instead
// it would often be to blame itself. REQUIRES: a valid config.
std::vector<KnobAblations> ChooseAblations(const ScheduleSpace& space, const Config& config,
                                           const std::vector<Config>& known, size_t most = 3);

}  // namespace halyard
