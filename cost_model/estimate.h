// What the estimates of all operators share: the row being written, the register tile's cost, the
// time of the parts and how it is shared by cores.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "cost_model/feature_list.h"
#include "cost_model/knob_values.h"
#include "cost_model/machine.h"
#include "schedules/task.h"

namespace halyard {

inline constexpr double kFloatBytes = 4;

inline double Trips(double extent, double tile) { return std::ceil(extent / std::max(1.0, tile)); }
inline double RoundedUp(double extent, double tile) {
  return Trips(extent, tile) * std::max(1.0, tile);
}
// log2 of a ratio, floored where a part vanishes: 2^-10 of a whole is nothing.
inline double Log2(double ratio) {
  return std::isnan(ratio) ? ratio : std::log2(std::max(ratio, 1.0 / 1024));
}

// The columns of one config. Those not written stay NaN.
struct FeatureRow {
  float* out;
  uint32_t applies = 0;
  void Set(Feature feature, double value) { out[feature] = static_cast<float>(value); }
};

// A register tile of `rows` x `vectors` accumulators and one step of its reduction: one row of B
// in `vectors` vectors, `rows` broadcasts of A.
struct RegisterTile {
  double rows = 1, vectors = 1, native = 1, unroll = 1;
  double port_ops = 0;       // a step, on the ports that multiply: selecting, broadcasting
  bool elementwise = false;  // A comes in vectors as well (depthwise): no broadcast serves a row

  double fmas() const { return rows * vectors * native; }
  double loads() const {
    return (elementwise ? (rows + 1) * vectors * native : vectors * native + rows);
  }
  double registers(const Machine& machine) const;
  // A step's cycles: the slowest of FMA ports, load ports, issue and the latency of the chain that
  // each accumulator is.
  double CyclesPerStep(const Machine& machine) const;
  // Cycles of the FMAs alone over CyclesPerStep.
  double Efficiency(const Machine& machine) const;
  // Once a tile: accumulators cleared and stored, the loop entered.
  double CyclesPerTile(const Machine& machine) const;
};

// Parallel tasks of equal size, the last one `last` of the others'.
struct Tasks {
  double count = 1, last = 1;
  bool parallel = true;

  // Time of the busiest core over the time of an even share on all cores.
  double Imbalance(double cores) const;
  double IdleShare(double cores) const;
};

// Cycles summed over all cores, as if on one, but for `serial`.
struct Estimate {
  double compute = 0, pack = 0, other = 0;
  std::array<double, kCacheLevels> traffic_bytes{};  // into each level
  double pack_parallel = 0;                          // packing before the tasks, on all cores
  double serial = 0;                                 // on one core after or before the tasks
  double regions = 1;                                // parallel loops started
  Tasks tasks;
  double flops_computed = 0;
};

// Per task: what an estimate is set against.
struct TaskBound {
  TaskBound(const Task& task, const Machine& machine);
  double flops, bytes;
  double cycles;
};

// Writes the columns task.*, time.*, share.*, parallel.* and waste.total.
void WriteEstimate(const Estimate& estimate, const TaskBound& bound, const Machine& machine,
                   FeatureRow& row);
// Writes vector.native and micro.* for the tile in which most time goes.
void WriteRegisterTile(const RegisterTile& tile, double vec, double depth, const Machine& machine,
                       FeatureRow& row);

// One operator's columns. Thread-safe.
class OperatorFeatures {
 public:
  virtual ~OperatorFeatures() = default;
  // Writes the columns and adds to row.applies what the config is.
  virtual void Write(const KnobValues& knobs, FeatureRow& row) const = 0;
};

}  // namespace halyard
