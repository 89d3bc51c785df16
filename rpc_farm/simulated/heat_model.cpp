#include "rpc_farm/simulated/heat_model.h"

#include <algorithm>
#include <cmath>

namespace halyard {
namespace {

// Steps of a time constant: what a step overshoots a limit by is a hundredth of the way left.
constexpr double kSteps = 100;
// After so many time constants a body that rests is at its surroundings' temperature.
constexpr double kSettled = 40;

}  // namespace

void HeatModel::Step(double seconds, bool load) {
  const double end = script_.ambient_c + (load ? script_.rise_c * clock() : 0);
  celsius_ = end + (celsius_ - end) * std::exp(-seconds / script_.time_constant_s);
  if (celsius_ > script_.limit_c) throttled_ = true;
  if (celsius_ < script_.limit_c - script_.hysteresis_c) throttled_ = false;
}

void HeatModel::Pass(double seconds, bool load) {
  if (!load) return Step(seconds, load);
  seconds = std::min(seconds, kSettled * script_.time_constant_s);
  for (const double step = script_.time_constant_s / kSteps; seconds > 0; seconds -= step) {
    Step(std::min(step, seconds), load);
  }
}

}  // namespace halyard
