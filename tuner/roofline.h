// The bound a task cannot beat on its device, and what a value is worth against it.
#pragma once

#include "rpc_farm/measure_peak.h"
#include "schedules/task.h"
#include "tuner/measured_time.h"

namespace halyard {

struct Roofline {
  double gflops_peak = 0;
  double copy_gb_per_s = 0;
  double flops = 0;
  double bytes = 0;
  double ns_per_unit = 1;  // of a value: 1 for ns, the cycle time for virtual cycles

  double Milliseconds(double value) const { return value * ns_per_unit * 1e-6; }
  double Gflops(double value) const { return flops / (value * ns_per_unit); }
  bool memory_bound() const {
    return copy_gb_per_s > 0 && bytes / copy_gb_per_s > flops / gflops_peak;
  }
  // Share of the roofline reached: the larger of compute and memory time over the value.
  double Share(double value) const {
    const double compute_ns = gflops_peak > 0 ? flops / gflops_peak : 0;
    const double memory_ns = copy_gb_per_s > 0 ? bytes / copy_gb_per_s : 0;
    return std::max(compute_ns, memory_ns) / (value * ns_per_unit);
  }
};

inline Roofline RooflineOf(const Task& task, const Peak& peak) {
  Roofline r;
  r.gflops_peak = peak.gflops;
  r.copy_gb_per_s = peak.copy_gb_per_s;
  r.flops = task.op->Flops(task.workload);
  r.bytes = task.op->Bytes(task.workload);
  r.ns_per_unit = NanosecondsPerUnit(task.device);
  return r;
}

}  // namespace halyard
