// What a board tells about itself against what its device file says.
#pragma once

#include <string>
#include <vector>

#include "targets/board_facts.h"
#include "targets/device.h"
#include "tuner/doctor/doctor.h"

namespace halyard {

std::vector<Step> BoardSteps(const Device& device, const BoardFacts& facts, Depth depth);

// Names of /proc/cpuinfo that a Halide target assumes of its CPU, in the target's order.
std::vector<std::string> FeaturesAssumed(const std::string& halide_target);

}  // namespace halyard
