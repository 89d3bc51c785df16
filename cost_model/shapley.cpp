#include "cost_model/shapley.h"

#include <array>
#include <stdexcept>

namespace halyard {
namespace {

// Most features that a path can name, and one more.
constexpr size_t kMost = TreeEnsemble::kDeepest + 2;
using Weights = std::array<std::array<double, kMost>, kMost>;

// weights[a][b] = a! b! / (a + b + 1)!: the share of all orders of a + b + 1 features in which one
// of them comes after `a` that are named and before the other `b`.
Weights OrderWeights() {
  Weights w{};
  std::array<double, 2 * kMost> factorial{1};
  for (size_t i = 1; i < factorial.size(); i++) {
    factorial[i] = factorial[i - 1] * static_cast<double>(i);
  }
  for (size_t a = 0; a < kMost; a++) {
    for (size_t b = 0; b < kMost; b++) w[a][b] = factorial[a] * factorial[b] / factorial[a + b + 1];
  }
  return w;
}

// One row against one row of the background, tree by tree.
class Pair {
 public:
  Pair(const float* row, const float* other, std::vector<double>& values)
      : row_(row), other_(other), values_(values), side_(values.size(), Side::kNone) {}

  void Add(const TreeEnsemble::TreeView& tree, double scale) {
    tree_ = &tree;
    scale_ = scale;
    Visit(0, 0, 0);
  }

 private:
  // Which row's value of a column leads down the path at hand.
  enum class Side : uint8_t { kNone, kRow, kOther };

  // A leaf that is reached where `from_row` features are the row's and `from_other` are not, is the
  // outcome of the coalitions that hold all of the former and none of the latter. A feature of the
  // former gains its value in the orders in which it comes last of them and before all the latter,
  // one of the latter loses it where it comes first of them and after all the former.
  struct Sums {
    double gain = 0, loss = 0;
  };

  Sums Visit(size_t node, size_t from_row, size_t from_other) {
    if (tree_->leaf(node)) {
      static const Weights weights = OrderWeights();
      const double value = scale_ * static_cast<double>(tree_->value(node));
      return {from_row > 0 ? value * weights[from_row - 1][from_other] : 0,
              from_other > 0 ? value * weights[from_row][from_other - 1] : 0};
    }
    const size_t column = tree_->column(node);
    const size_t rows = tree_->Child(node, row_), others = tree_->Child(node, other_);
    if (rows == others) return Visit(rows, from_row, from_other);
    // A feature that parted the rows above is the same row's here.
    if (side_[column] == Side::kRow) return Visit(rows, from_row, from_other);
    if (side_[column] == Side::kOther) return Visit(others, from_row, from_other);
    side_[column] = Side::kRow;
    const Sums with = Visit(rows, from_row + 1, from_other);
    side_[column] = Side::kOther;
    const Sums without = Visit(others, from_row, from_other + 1);
    side_[column] = Side::kNone;
    values_[column] += with.gain - without.loss;
    return {with.gain + without.gain, with.loss + without.loss};
  }

  const float* row_;
  const float* other_;
  std::vector<double>& values_;
  std::vector<Side> side_;  // of each column
  const TreeEnsemble::TreeView* tree_ = nullptr;
  double scale_ = 1;
};

}  // namespace

std::vector<double> ShapleyValues(const TreeEnsemble& ensemble, std::span<const float> row,
                                  const FeatureMatrix& background) {
  if (background.rows() == 0 || background.columns != row.size()) {
    throw std::invalid_argument("a background of rows like the one that is explained is needed");
  }
  if (ensemble.columns() != row.size() || ensemble.members() == 0) {
    throw std::invalid_argument("trees of other columns than the row's");
  }
  std::vector<double> values(row.size(), 0.0);
  const double scale = 1.0 / static_cast<double>(ensemble.members() * background.rows());
  for (size_t m = 0; m < ensemble.members(); m++) {
    const std::vector<TreeEnsemble::TreeView> trees = ensemble.TreesOf(m);
    for (size_t r = 0; r < background.rows(); r++) {
      Pair pair(row.data(), background.values.data() + r * background.columns, values);
      for (const TreeEnsemble::TreeView& tree : trees) pair.Add(tree, scale);
    }
  }
  return values;
}

}  // namespace halyard
