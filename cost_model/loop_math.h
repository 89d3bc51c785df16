// Arithmetic shared by the loop features.
#pragma once

#include <algorithm>
#include <cmath>

namespace halyard {

inline constexpr double kFloatBytes = 4;

inline double Trips(double extent, double tile) { return std::ceil(extent / std::max(1.0, tile)); }

inline double Waste(double extent, double tile) {
  return Trips(extent, tile) * std::max(1.0, tile) / extent - 1;
}

inline double Log2Ratio(double value, double unit) {
  return std::log2(std::max(1.0, value) / std::max(1.0, unit));
}

// Cores stand idle in the last round of tasks.
inline double Imbalance(double tasks, double cores) {
  return Trips(tasks, cores) * std::max(1.0, cores) / tasks - 1;
}

inline double FmaPerLoad(double rows, double vectors) {
  return rows * vectors / std::max(1.0, rows + vectors);
}

}  // namespace halyard
