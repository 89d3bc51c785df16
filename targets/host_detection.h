// Finds out what the machine this process runs on is made of.
#pragma once

#include <set>
#include <string>

#include "targets/device.h"

namespace halyard {

// Fills in target, triplet, cpu, cores, vectors, memory and caches; leaves the rest as it is.
void DetectHost(Device* device);

// Halide's target string for an x86-64 Linux machine with these /proc/cpuinfo flags, with the
// features and in the order Halide's own host detection gives.
std::string HalideTargetForX86Flags(const std::set<std::string>& flags);

}  // namespace halyard
