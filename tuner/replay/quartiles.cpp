#include "tuner/replay/quartiles.h"

#include <algorithm>
#include <cmath>

namespace halyard {
namespace {

nlohmann::json NumberOrNull(double v) {
  return std::isinf(v) ? nlohmann::json() : nlohmann::json(v);
}

}  // namespace

Quartiles QuartilesOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  const auto at = [&](double q) { return values[static_cast<size_t>(std::ceil(q * n)) - 1]; };
  return {at(0.25), at(0.5), at(0.75)};
}

nlohmann::json QuartilesJson(const Quartiles& q) {
  return {{"low", NumberOrNull(q.low)},
          {"median", NumberOrNull(q.median)},
          {"high", NumberOrNull(q.high)}};
}

std::string PercentText(double share) {
  if (std::isinf(share)) return "-";
  return share < 0.0995 ? fmt::format("{:.1f}", 100 * share) : fmt::format("{:.0f}", 100 * share);
}

}  // namespace halyard
