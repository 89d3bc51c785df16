#include "cost_model/tree_ensemble.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "fmt/format.h"

namespace halyard {
namespace {

// Rows that go down a tree side by side: each step waits for a load that depends on the last one,
// and this many chains fill the wait.
constexpr size_t kLanes = 16;
// Rows that one thread predicts in one go: some tenths of a millisecond, less than that is not
// worth waking a thread for.
constexpr size_t kBlockRows = 256;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace

size_t TreeEnsemble::trees() const {
  size_t count = 0;
  for (const Member& m : members_) count += m.trees.size();
  return count;
}

size_t TreeEnsemble::TreeView::Child(size_t node, const float* row) const {
  float v = row[column(node)];
  if (std::isnan(v)) v = columns[node] < width ? kInfinity : -kInfinity;
  return 2 * node + 1 + static_cast<size_t>(v >= thresholds[node]);
}

std::vector<TreeEnsemble::TreeView> TreeEnsemble::TreesOf(size_t member) const {
  const Member& m = members_.at(member);
  std::vector<TreeView> views;
  for (const Tree& t : m.trees) {
    views.push_back({(size_t{1} << t.depth) - 1, columns_, m.columns.data() + t.nodes,
                     m.thresholds.data() + t.nodes, m.leaves.data() + t.leaves});
  }
  return views;
}

void TreeEnsemble::PredictLanes(const Member& member, const float* lanes, float* out) {
  float sum[kLanes];
  std::fill_n(sum, kLanes, member.base);
  for (const Tree& tree : member.trees) {
    const uint32_t* columns = member.columns.data() + tree.nodes;
    const float* thresholds = member.thresholds.data() + tree.nodes;
    uint32_t at[kLanes] = {};
    for (int level = 0; level < tree.depth; level++) {
      for (size_t l = 0; l < kLanes; l++) {
        const float value = lanes[columns[at[l]] * kLanes + l];
        at[l] = 2 * at[l] + 1 + static_cast<uint32_t>(value >= thresholds[at[l]]);
      }
    }
    // The nodes above the leaves are counted in `at`.
    const float* leaves = member.leaves.data() + tree.leaves;
    const uint32_t inner = (1u << tree.depth) - 1;
    for (size_t l = 0; l < kLanes; l++) sum[l] += leaves[at[l] - inner];
  }
  std::copy_n(sum, kLanes, out);
}

void TreeEnsemble::PredictBlock(const float* rows, size_t count, float* mean, float* spread) const {
  // Both copies of kLanes rows, column by column.
  std::vector<float> lanes(2 * columns_ * kLanes, 0.0f);
  std::vector<float> predicted(members_.size() * kLanes);
  for (size_t first = 0; first < count; first += kLanes) {
    const size_t live = std::min(kLanes, count - first);
    for (size_t l = 0; l < live; l++) {
      const float* row = rows + (first + l) * columns_;
      for (size_t c = 0; c < columns_; c++) {
        const bool missing = std::isnan(row[c]);
        lanes[c * kLanes + l] = missing ? kInfinity : row[c];
        lanes[(columns_ + c) * kLanes + l] = missing ? -kInfinity : row[c];
      }
    }
    for (size_t m = 0; m < members_.size(); m++) {
      PredictLanes(members_[m], lanes.data(), predicted.data() + m * kLanes);
    }
    const auto n = static_cast<float>(members_.size());
    for (size_t l = 0; l < live; l++) {
      float sum = 0, squares = 0;
      for (size_t m = 0; m < members_.size(); m++) sum += predicted[m * kLanes + l];
      const float average = sum / n;
      for (size_t m = 0; m < members_.size(); m++) {
        const float off = predicted[m * kLanes + l] - average;
        squares += off * off;
      }
      mean[first + l] = average;
      if (spread != nullptr) spread[first + l] = std::sqrt(squares / n);
    }
  }
}

std::vector<float> TreeEnsemble::Predict(const FeatureMatrix& features,
                                         std::vector<float>* spread) const {
  if (members_.empty()) throw std::logic_error("an ensemble without members predicts nothing");
  if (features.columns != columns_) {
    throw std::invalid_argument(
        fmt::format("model was fitted to {} feature columns, not {}", columns_, features.columns));
  }
  std::vector<float> mean(features.rows());
  if (spread != nullptr) spread->assign(features.rows(), 0.0f);
  const auto blocks = static_cast<int64_t>((mean.size() + kBlockRows - 1) / kBlockRows);
#pragma omp parallel for schedule(dynamic) if (blocks > 1)
  for (int64_t b = 0; b < blocks; b++) {
    const size_t begin = static_cast<size_t>(b) * kBlockRows;
    PredictBlock(features.values.data() + begin * columns_,
                 std::min(kBlockRows, mean.size() - begin), mean.data() + begin,
                 spread != nullptr ? spread->data() + begin : nullptr);
  }
  return mean;
}

std::vector<float> TreeEnsemble::PredictMember(size_t member, const FeatureMatrix& features) const {
  const Member& m = members_.at(member);
  const std::vector<uint16_t> leaves = Leaves(member, features);
  std::vector<float> sum(features.rows(), m.base);
  for (size_t t = 0; t < m.trees.size(); t++) {
    for (size_t r = 0; r < sum.size(); r++) {
      sum[r] += m.leaves[m.trees[t].leaves + leaves[t * sum.size() + r]];
    }
  }
  return sum;
}

std::vector<uint16_t> TreeEnsemble::Leaves(size_t member, const FeatureMatrix& features) const {
  std::vector<uint16_t> leaves;
  leaves.reserve(members_.at(member).trees.size() * features.rows());
  for (const TreeView& tree : TreesOf(member)) {
    for (size_t r = 0; r < features.rows(); r++) {
      const float* row = features.values.data() + r * columns_;
      size_t at = 0;
      while (!tree.leaf(at)) at = tree.Child(at, row);
      leaves.push_back(static_cast<uint16_t>(at - tree.inner));
    }
  }
  return leaves;
}

}  // namespace halyard
