// A processor's temperature as that of one body: under a constant load it goes to its final value
// exponentially, T(t) = T_end + (T(0) - T_end) exp(-t / time constant), which solves Newton's law
// of cooling with a heat source (Incropera et al., "Fundamentals of Heat and Mass Transfer", 5.1 to
// 5.3, lumped capacitance). Power goes with the clock's frequency at a given voltage.
#pragma once

#include "rpc_farm/simulated/simulation_script.h"

namespace halyard {

class HeatModel {
 public:
  explicit HeatModel(const HeatScript& script) : script_(script), celsius_(script.ambient_c) {}

  // At rest, or under load at the clock there is. A clock that the limit is reached at falls at
  // once, which is why a long time under load is taken in steps.
  void Pass(double seconds, bool load);

  double celsius() const { return celsius_; }
  double clock() const { return throttled_ ? script_.throttled_clock : 1; }

 private:
  void Step(double seconds, bool load);

  const HeatScript script_;
  double celsius_;
  bool throttled_ = false;
};

}  // namespace halyard
