#include "cost_model/leaf_kernel.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <vector>

namespace halyard {
namespace {

// Row-major, symmetric and positive definite. Replaced by the lower triangle of its Cholesky
// factor.
void Factorise(std::vector<double>& a, size_t n) {
  for (size_t j = 0; j < n; j++) {
    for (size_t i = j; i < n; i++) {
      double sum = a[i * n + j];
      for (size_t k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i == j ? std::sqrt(sum) : sum / a[j * n + j];
    }
  }
}

// Replaces b by the solution x of L L^T x = b.
void Solve(const std::vector<double>& l, std::vector<double>& b) {
  const size_t n = b.size();
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k < i; k++) b[i] -= l[i * n + k] * b[k];
    b[i] /= l[i * n + i];
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t k = i + 1; k < n; k++) b[i] -= l[k * n + i] * b[k];
    b[i] /= l[i * n + i];
  }
}

// Variances of the noise of a measurement, over that of what the member gets wrong, to choose from:
// counts of a virtual board have next to none.
constexpr double kNoise[] = {0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2};

// Share of the trees in which rows end in the same leaf; the lower triangle. `leaves`: of each tree
// those of all rows.
std::vector<double> Kernel(const std::vector<uint16_t>& leaves, size_t rows) {
  const size_t trees = leaves.size() / rows;
  std::vector<double> kernel(rows * rows);
  for (size_t t = 0; t < trees; t++) {
    const uint16_t* of = leaves.data() + t * rows;
    for (size_t i = 0; i < rows; i++) {
      for (size_t j = 0; j <= i; j++) kernel[i * rows + j] += of[i] == of[j] ? 1 : 0;
    }
  }
  for (double& k : kernel) k /= static_cast<double>(trees);
  return kernel;
}

// The weights of the kernels around each row that explain the residuals, at one noise.
struct Posterior {
  std::vector<double> alpha;
  double log_likelihood = 0;  // but for a constant; the variance is the likeliest one

  Posterior(std::vector<double> gram, const std::vector<double>& residuals,
            std::span<const float> weights, double noise)
      : alpha(residuals) {
    const size_t rows = residuals.size();
    for (size_t i = 0; i < rows; i++) {
      gram[i * rows + i] += noise / (weights.empty() ? 1.0 : static_cast<double>(weights[i]));
    }
    Factorise(gram, rows);
    // The task's own level is unknown: generalised least squares of a constant.
    std::vector<double> ones(rows, 1.0);
    Solve(gram, ones);
    Solve(gram, alpha);
    const double level = std::accumulate(alpha.begin(), alpha.end(), 0.0) /
                         std::accumulate(ones.begin(), ones.end(), 0.0);
    double misfit = 0, log_root_determinant = 0;
    for (size_t i = 0; i < rows; i++) {
      alpha[i] -= level * ones[i];
      misfit += (residuals[i] - level) * alpha[i];
      log_root_determinant += std::log(gram[i * rows + i]);
    }
    const auto n = static_cast<double>(rows);
    log_likelihood = -0.5 * n * std::log(std::max(misfit, 1e-12) / n) - log_root_determinant;
  }
};

}  // namespace

TreeEnsemble AdaptLeaves(const TreeEnsemble& ensemble, const FeatureMatrix& features,
                         std::span<const float> targets, std::span<const float> weights) {
  TreeEnsemble adapted = ensemble;
  const size_t rows = features.rows();
  if (rows == 0) return adapted;
  for (size_t m = 0; m < ensemble.members(); m++) {
    const std::vector<uint16_t> leaves = ensemble.Leaves(m, features);
    const std::vector<float> predicted = ensemble.PredictMember(m, features);
    std::vector<double> residuals(rows);
    for (size_t i = 0; i < rows; i++) {
      residuals[i] = static_cast<double>(targets[i]) - predicted[i];
    }
    const std::vector<double> kernel = Kernel(leaves, rows);
    std::optional<Posterior> best;
    for (const double noise : kNoise) {
      Posterior posterior(kernel, residuals, weights, noise);
      if (!best || posterior.log_likelihood > best->log_likelihood) best = std::move(posterior);
    }
    const size_t trees = leaves.size() / rows;
    for (size_t t = 0; t < trees; t++) {
      for (size_t i = 0; i < rows; i++) {
        adapted.AddToLeaf(m, t, leaves[t * rows + i],
                          static_cast<float>(best->alpha[i] / static_cast<double>(trees)));
      }
    }
  }
  return adapted;
}

}  // namespace halyard
