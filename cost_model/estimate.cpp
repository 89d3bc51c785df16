#include "cost_model/estimate.h"

namespace halyard {
namespace {

// Waking a thread pool and waiting for its last thread, some microseconds; taking a task from its
// queue under a lock, some tenths of one.
constexpr double kRegionCycles = 12'000, kTaskCycles = 600;
// Counters, pointers and branch of one turn of a loop, in micro-ops.
constexpr double kLoopOps = 3;

}  // namespace

double RegisterTile::registers(const Machine& machine) const {
  const double operands = machine.broadcasts_from_memory ? 1 : vectors + 1;
  return (rows * vectors + operands) * native / machine.registers;
}

double RegisterTile::CyclesPerStep(const Machine& machine) const {
  const double issue =
      (fmas() + loads() + port_ops + kLoopOps / std::max(1.0, unroll)) / machine.issue_width;
  return std::max({(fmas() + port_ops) / machine.fma_per_cycle, loads() / machine.loads_per_cycle,
                   issue, machine.fma_latency});
}

double RegisterTile::Efficiency(const Machine& machine) const {
  return fmas() / machine.fma_per_cycle / CyclesPerStep(machine);
}

double RegisterTile::CyclesPerTile(const Machine& machine) const {
  return 2 * fmas() / machine.fma_per_cycle + 10;
}

double Tasks::Imbalance(double cores) const {
  const double work = std::max(1.0, count) - 1 + last;
  if (!parallel) return cores;
  // Tasks are taken in order, so the last one begins the last round or rides along in it.
  const double rounds = std::ceil(count / cores);
  const double alone = std::fmod(count, cores) == 1 || cores == 1 ? rounds - 1 + last : rounds;
  return std::max(1.0, alone * cores / work);
}

double Tasks::IdleShare(double cores) const {
  return parallel ? std::max(0.0, 1 - count / cores) : 1 - 1 / cores;
}

TaskBound::TaskBound(const Task& task, const Machine& machine)
    : flops(std::max(1.0, task.op->Flops(task.workload))),
      bytes(std::max(1.0, task.op->Bytes(task.workload))) {
  const double peak = 2 * machine.lanes * machine.fma_per_cycle * machine.cores;
  const double last = machine.levels == 0
                          ? machine.lanes
                          : machine.bytes_per_cycle[machine.levels - 1] * machine.cores;
  cycles = std::max(flops / peak, bytes / last);
}

void WriteEstimate(const Estimate& e, const TaskBound& bound, const Machine& machine,
                   FeatureRow& row) {
  const double busiest = e.tasks.Imbalance(machine.cores) / machine.cores;
  const double compute = e.compute * busiest, other = e.other * busiest + e.serial;
  const double pack = e.pack * busiest + e.pack_parallel / machine.cores;
  const bool threads = e.tasks.parallel && machine.cores > 1;
  const double start = (threads ? e.regions * kRegionCycles : 0) +
                       (threads ? e.tasks.count * kTaskCycles / machine.cores : 0);
  std::array<double, kCacheLevels> level{};
  double slowest = 0, memory = 0;
  for (size_t i = 0; i < machine.levels; i++) {
    level[i] = e.traffic_bytes[i] / machine.bytes_per_cycle[i] * busiest;
    slowest = std::max(slowest, level[i]);
    // Prefetching hides part of it: half of what is not the longest shows, by the bound's
    // refinement for real cores (Stengel et al., "Quantifying performance bottlenecks of stencil
    // computations using the execution-cache-memory model", ICS 2015, adds all of it).
    memory += level[i];
  }
  const double product =
      std::max(compute, slowest) + 0.5 * (std::min(compute, slowest) + (memory - slowest));
  const double total = product + pack + other + start;
  auto relative = [&](double cycles) { return Log2(cycles / bound.cycles); };
  row.Set(kTimeTotal, relative(total));
  row.Set(kTimeBound, relative(std::max({compute, slowest, pack, other, start})));
  row.Set(kTimeCompute, relative(compute));
  if (machine.levels > 0) row.Set(kTimeLevel1, relative(level[0]));
  if (machine.levels > 1) row.Set(kTimeLevel2, relative(level[1]));
  if (machine.levels > 2) row.Set(kTimeLevel3, relative(level[2]));
  row.Set(kTimePack, relative(pack));
  row.Set(kTimeOther, relative(other));
  row.Set(kTimeStart, relative(start));
  row.Set(kSharePack, pack / total);
  row.Set(kShareOther, other / total);
  row.Set(kShareStart, start / total);
  row.Set(kShareMemory, slowest / (slowest + compute));
  row.Set(kParallelTasks, Log2(e.tasks.count));
  row.Set(kParallelImbalance, Log2(e.tasks.Imbalance(machine.cores)));
  row.Set(kParallelIdle, e.tasks.IdleShare(machine.cores));
  row.Set(kParallelGrain,
          Log2((product + pack + other) * machine.cores / std::max(1.0, e.tasks.count)));
  row.Set(kWasteTotal, Log2(e.flops_computed / bound.flops));
}

void WriteRegisterTile(const RegisterTile& tile, double vec, double depth, const Machine& machine,
                       FeatureRow& row) {
  row.Set(kVectorNative, vec / machine.lanes);
  row.Set(kMicroRegisters, tile.registers(machine));
  row.Set(kMicroChains, Log2(tile.fmas() / (machine.fma_latency * machine.fma_per_cycle)));
  row.Set(kMicroFmaPerLoad, tile.fmas() / tile.loads());
  row.Set(kMicroEfficiency, Log2(tile.Efficiency(machine)));
  row.Set(kMicroBody, Log2(tile.unroll * (tile.fmas() + tile.loads())));
  row.Set(kMicroDepth, Log2(depth));
}

}  // namespace halyard
