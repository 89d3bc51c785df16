// A device as the time estimates see it: what a core does in a cycle and how fast each level of the
// memory hierarchy feeds it.
#pragma once

#include <array>
#include <cstddef>

#include "targets/device.h"

namespace halyard {

// The share of a cache that data meant to stay in it may fill: the rest is what streams past.
inline constexpr double kUsable = 0.75;

// Levels of cache that have columns of their own; of a device with more, the first two and the
// last.
inline constexpr size_t kCacheLevels = 3;

// Rates are per core and cycle. Those that a device file does not state are assumed, in proportion
// to the vector register; they shape features, whose weights are learned, and no result.
struct Machine {
  explicit Machine(const Device& device);

  double lanes, registers, cores;
  double fma_per_cycle;
  // Vector loads; broadcasts count as one.
  double loads_per_cycle;
  // Micro-ops of any kind.
  double issue_width;
  // Cycles from one FMA to the next that needs its result: 4 on current x86 cores, 7 on Cortex-A72
  // (Arm, "Cortex-A72 Software Optimization Guide", 3.15; 3 where only the sum is waited for).
  double fma_latency = 4;
  bool broadcasts_from_memory;

  size_t levels = 0;
  std::array<double, kCacheLevels> bytes{};  // of a core, its share where a level is shared
  // Bytes a cycle from the level behind: [0] from level 2 into level 1, [levels - 1] from memory.
  std::array<double, kCacheLevels> bytes_per_cycle{};
  double line_bytes = 64;

  // Vector registers that a vector of `vec` elements takes.
  double Native(double vec) const { return vec > lanes ? vec / lanes : 1; }
  double last_level_bytes() const { return levels == 0 ? 0 : bytes[levels - 1]; }
};

}  // namespace halyard
