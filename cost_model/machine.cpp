#include "cost_model/machine.h"

#include <algorithm>

namespace halyard {
namespace {

// Shares of a vector register a cycle. Level 2: 32 of 64 bytes sustained on AVX-512 cores. A shared
// last level and memory: measured copies of some 8 and 4 bytes a cycle and core on servers.
constexpr double kLevel2Share = 0.5, kSharedLevelShare = 0.125, kMemoryShare = 0.0625;

double Known(double rate, double otherwise) { return rate > 0 ? rate : otherwise; }

}  // namespace

Machine::Machine(const Device& device)
    : lanes(std::max(1, device.lanes_f32())),
      registers(std::max(1, device.vector_registers)),
      cores(std::max(1, device.cores)),
      fma_per_cycle(device.fma_per_cycle > 0 ? device.fma_per_cycle : 1),
      loads_per_cycle(Known(device.virtual_board.simd_loads_per_cycle(), fma_per_cycle)),
      issue_width(Known(device.virtual_board.issue_width(), 6)),
      broadcasts_from_memory(device.triplet.starts_with("x86")) {
  std::vector<CacheLevel> caches = device.caches;
  if (caches.size() > kCacheLevels) caches.erase(caches.begin() + 2, caches.end() - 1);
  levels = caches.size();
  const double vector_bytes = 4 * lanes;
  for (size_t i = 0; i < levels; i++) {
    const double sharing = std::clamp<double>(caches[i].shared_by_cores, 1, cores);
    bytes[i] = std::max(1.0, static_cast<double>(caches[i].bytes) / sharing);
    if (i + 1 == levels) {
      const bool known = device.copy_gb_per_s > 0 && device.clock_ghz > 0;
      // A copy reads and writes: the figure counts both.
      bytes_per_cycle[i] =
          known ? device.copy_gb_per_s / device.clock_ghz / cores : kMemoryShare * vector_bytes;
    } else {
      const bool shared = caches[i + 1].shared_by_cores > 1 && i + 2 == levels && levels > 2;
      bytes_per_cycle[i] = (shared ? kSharedLevelShare : kLevel2Share) * vector_bytes;
    }
  }
  if (levels > 0 && caches[0].line_bytes > 0) line_bytes = caches[0].line_bytes;
}

}  // namespace halyard
