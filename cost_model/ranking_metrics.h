// How good a ranking is.
#pragma once

#include <span>

namespace halyard {

// Spearman's rank correlation with average ranks for ties; 0 where either side is constant or there
// are fewer than 3 pairs. (Spearman 1904.)
double SpearmanCorrelation(std::span<const float> predicted, std::span<const float> measured);
// Share of pairs with different measured values that are predicted in the right order; ties count
// half. Of pairs whose larger value is more than `ratio` times the smaller; 0.5 without any.
double PairwiseAccuracy(std::span<const float> predicted, std::span<const float> measured,
                        float ratio = 1);
// Best measured among the k best predicted, relative to the best measured of all (1 is perfect).
double TopKQuality(std::span<const float> predicted, std::span<const float> measured, int k);

}  // namespace halyard
