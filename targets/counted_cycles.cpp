#include "targets/counted_cycles.h"

#include <algorithm>
#include <utility>

namespace halyard {

double Makespan(int64_t tasks, const std::vector<double>& cycles, const std::vector<int>& cores) {
  // Cores work without a break until there is no task left to take: before the time in which all of
  // them could do all but one task each, none is idle.
  int all = 0;
  double rate = 0;
  for (size_t k = 0; k < cycles.size(); k++) {
    if (cycles[k] <= 0) return 0;
    all += cores[k];
    rate += cores[k] / cycles[k];
  }
  const double busy = std::max(0.0, static_cast<double>(tasks - all) / rate);
  std::vector<std::pair<double, size_t>> next;  // when a core is free, and its kind
  for (size_t k = 0; k < cycles.size(); k++) {
    const auto done = static_cast<int64_t>(busy / cycles[k]);
    next.insert(next.end(), static_cast<size_t>(cores[k]),
                {static_cast<double>(done) * cycles[k], k});
    tasks -= done * cores[k];
  }
  double last = 0;
  for (const auto& [free, kind] : next) last = std::max(last, free);
  for (; tasks > 0; tasks--) {
    auto& [free, kind] = *std::min_element(next.begin(), next.end());
    free += cycles[kind];
    last = std::max(last, free);
  }
  return last;
}

double CountedCycles(const EntryResult& counted, const std::vector<int>& cores) {
  double cycles = counted.serial_cycles;
  for (const ParallelRegion& region : counted.regions) {
    const auto tasks = std::max<int64_t>(1, region.tasks);
    std::vector<double> each;
    for (double all : region.cycles) each.push_back(all / static_cast<double>(tasks));
    cycles += std::max(Makespan(tasks, each, cores), region.memory_cycles);
  }
  return cycles;
}

}  // namespace halyard
