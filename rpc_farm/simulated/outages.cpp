#include "rpc_farm/simulated/outages.h"

#include <algorithm>
#include <cmath>

namespace halyard {

std::optional<Outage> Outages::RebootBetween(double from, double until) const {
  if (!script_.reboot) return std::nullopt;
  const Reboots& reboot = *script_.reboot;
  const double first = phase_ * reboot.every_s;
  const double which = std::max(0.0, std::floor((from - first) / reboot.every_s));
  for (double i = which; i <= which + 1; ++i) {
    const double begin = first + i * reboot.every_s;
    if (begin >= until) break;
    if (begin + reboot.for_s > from) return Outage{begin, begin + reboot.for_s, "reboots"};
  }
  return std::nullopt;
}

std::optional<Outage> Outages::Between(double from, double until) const {
  std::optional<Outage> first = RebootBetween(from, until);
  for (const Partition& p : script_.partition) {
    const double end = p.at_s + p.for_s;
    if (p.at_s >= until || end <= from) continue;
    if (!first || p.at_s < first->begin_s) first = {p.at_s, end, "cannot be reached"};
    break;  // they are in the order of time
  }
  return first;
}

}  // namespace halyard
