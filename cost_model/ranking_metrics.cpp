#include "cost_model/ranking_metrics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

namespace halyard {
namespace {

// Ranks from 1; equal values share the mean of the ranks they span.
std::vector<double> AverageRanks(std::span<const float> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) end++;
    const double shared = 0.5 * static_cast<double>(begin + 1 + end);
    for (size_t i = begin; i < end; i++) ranks[order[i]] = shared;
    begin = end;
  }
  return ranks;
}

}  // namespace

double SpearmanCorrelation(std::span<const float> predicted, std::span<const float> measured) {
  const size_t n = std::min(predicted.size(), measured.size());
  if (n < 3) return 0;
  const std::vector<double> p = AverageRanks(predicted.first(n));
  const std::vector<double> m = AverageRanks(measured.first(n));
  const double mean = 0.5 * static_cast<double>(n + 1);
  double covariance = 0, variance_p = 0, variance_m = 0;
  for (size_t i = 0; i < n; i++) {
    covariance += (p[i] - mean) * (m[i] - mean);
    variance_p += (p[i] - mean) * (p[i] - mean);
    variance_m += (m[i] - mean) * (m[i] - mean);
  }
  if (variance_p == 0 || variance_m == 0) return 0;
  return covariance / std::sqrt(variance_p * variance_m);
}

double PairwiseAccuracy(std::span<const float> predicted, std::span<const float> measured,
                        float ratio) {
  const size_t n = std::min(predicted.size(), measured.size());
  double right = 0, pairs = 0;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = i + 1; j < n; j++) {
      const float low = std::min(measured[i], measured[j]),
                  high = std::max(measured[i], measured[j]);
      if (!(high > ratio * low)) continue;
      pairs++;
      if (predicted[i] == predicted[j]) {
        right += 0.5;
      } else if ((predicted[i] < predicted[j]) == (measured[i] < measured[j])) {
        right++;
      }
    }
  }
  // Without a pair to judge there is no evidence of being better than chance.
  return pairs == 0 ? 0.5 : right / pairs;
}

double TopKQuality(std::span<const float> predicted, std::span<const float> measured, int k) {
  const size_t n = std::min(predicted.size(), measured.size());
  if (n == 0 || k <= 0) return 0;
  const float best = *std::max_element(measured.begin(), measured.begin() + n);
  if (best <= 0) return 1;  // everything failed: no choice could have been better
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  // Of equal predictions the worse measured come first: a constant model earns nothing by the order
  // in which its rows happen to stand.
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (predicted[a] != predicted[b]) return predicted[a] > predicted[b];
    return measured[a] < measured[b];
  });
  float found = measured[order[0]];
  for (size_t i = 1; i < std::min(n, static_cast<size_t>(k)); i++) {
    found = std::max(found, measured[order[i]]);
  }
  return found / best;
}

}  // namespace halyard
