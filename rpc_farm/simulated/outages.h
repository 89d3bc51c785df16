// When a simulated board cannot be reached: its partitions and reboots, as a function of its time.
#pragma once

#include <optional>
#include <string>

#include "rpc_farm/simulated/simulation_script.h"

namespace halyard {

struct Outage {
  double begin_s = 0, end_s = 0;
  std::string what;  // "reboots"
};

class Outages {
 public:
  // `phase`: from 0 to 1, where between its first two reboots the board's time begins.
  Outages(const SimulationScript& script, double phase) : script_(script), phase_(phase) {}

  // The first that begins before `until` and has not ended at `from`.
  std::optional<Outage> Between(double from, double until) const;

 private:
  std::optional<Outage> RebootBetween(double from, double until) const;

  const SimulationScript& script_;
  const double phase_;
};

}  // namespace halyard
