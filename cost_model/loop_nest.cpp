#include "cost_model/loop_nest.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace halyard {

LoopNest::LoopNest(const std::array<double, kOperands>& body) { bytes_[0] = body; }

void LoopNest::Around(double trips, const std::array<bool, kOperands>& uses) {
  trips_[loops_] = std::max(1.0, trips);
  uses_[loops_] = uses;
  for (size_t x = 0; x < kOperands; x++) {
    bytes_[loops_ + 1][x] = bytes_[loops_][x] * (uses[x] ? trips_[loops_] : 1);
  }
  loops_++;
}

double LoopNest::bytes(size_t level) const {
  return std::accumulate(bytes_[level].begin(), bytes_[level].end(), 0.0);
}

double LoopNest::runs() const {
  double product = 1;
  for (size_t i = 0; i < loops_; i++) product *= trips_[i];
  return product;
}

size_t LoopNest::Fitting(double capacity, const std::array<double, kOperands>& inflate) const {
  size_t fitting = 0;
  for (; fitting <= loops_; fitting++) {
    double taken = 0;
    for (size_t x = 0; x < kOperands; x++) taken += bytes_[fitting][x] * inflate[x];
    if (taken > capacity) break;
  }
  return fitting;
}

std::array<double, kOperands> LoopNest::Traffic(
    double capacity, const std::array<double, kOperands>& inflate) const {
  const size_t fitting = Fitting(capacity, inflate);
  const size_t level = fitting == 0 ? 0 : fitting - 1;
  std::array<double, kOperands> traffic = bytes_[level];
  for (size_t loop = level; loop < loops_; loop++) {
    // An operand that stays the same from one run to the next of nests that fit is still there.
    const bool first_outside = loop == level && fitting != 0;
    for (size_t x = 0; x < kOperands; x++) {
      if (!first_outside || uses_[loop][x]) traffic[x] *= trips_[loop];
    }
  }
  return traffic;
}

double LoopNest::FittingShare(double capacity, const std::array<double, kOperands>& inflate) const {
  return static_cast<double>(Fitting(capacity, inflate)) / static_cast<double>(loops_ + 1);
}

double SetConflict(double rows, double row_bytes, double stride, double period, double line_bytes) {
  if (rows <= 1 || stride <= 0 || period <= line_bytes) return 1;
  const auto sets = static_cast<int64_t>(period / line_bytes);
  const auto step = static_cast<int64_t>(std::llround(stride / line_bytes));
  // Rows that do not begin on lines drift over the sets.
  if (std::fmod(stride, line_bytes) != 0) return 1;
  const int64_t places = sets / std::gcd(step, sets);
  const double lines = std::min(std::ceil(row_bytes / line_bytes), static_cast<double>(sets));
  const double reached = std::min(static_cast<double>(sets), static_cast<double>(places) * lines);
  const double wanted = std::min(static_cast<double>(sets), rows * lines);
  return std::max(1.0, wanted / reached);
}

}  // namespace halyard
