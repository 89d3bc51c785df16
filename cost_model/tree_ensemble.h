// Predicts with an ensemble of regression trees that XGBoost has trained.
//
// XGBoost's own predictors take some 10 us a row in batches of a hundred, mostly overhead; a search
// asks for such batches by the hundred. Here trees are complete (a leaf above the last level is
// repeated below), so that a step down is arithmetic and no branch: node i's children are 2 i + 1
// and 2 i + 2. Missing values cost nothing either: a row is kept twice, with minus and with plus
// infinity for NaN, and a node reads the copy that sends a missing value its default way.
//
// Several members, each a boosted model of its own, make an ensemble: their mean is the prediction,
// their standard deviation says how far they agree.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cost_model/cost_model.h"

namespace halyard {

// Immutable but for Add and AddToLeaf; then safe to share between threads.
class TreeEnsemble {
 public:
  // Of rows of `columns` features, without members yet.
  explicit TreeEnsemble(size_t columns = 0) : columns_(columns) {}

  // Adds the model that XGBoosterSaveModelToBuffer wrote as JSON as one member. Sums as XGBoost
  // does, in single precision and the order of the trees, so that predictions are the same bits.
  // InvalidArgument: not such a model, other columns, categorical splits, or a tree deeper than
  // kDeepest; the ensemble is then as it was.
  absl::Status Add(std::string_view xgboost_json);

  size_t columns() const { return columns_; }
  size_t members() const { return members_.size(); }
  size_t trees() const;

  // Mean and, where `spread` is not null, standard deviation over the members, a row. Thread-safe.
  // REQUIRES: features.columns == columns(), at least one member.
  std::vector<float> Predict(const FeatureMatrix& features,
                             std::vector<float>* spread = nullptr) const;

  // One member's prediction of each row. REQUIRES: as Predict.
  std::vector<float> PredictMember(size_t member, const FeatureMatrix& features) const;
  // The leaf, 0 to 2^depth - 1, that each row ends in, of each tree of a member: those of the first
  // tree first. REQUIRES: as Predict.
  std::vector<uint16_t> Leaves(size_t member, const FeatureMatrix& features) const;
  void AddToLeaf(size_t member, size_t tree, size_t leaf, float value) {
    Member& m = members_[member];
    m.leaves[m.trees[tree].leaves + leaf] += value;
  }

  // A little-endian byte string that Parse gives back. InvalidArgument: not one, or cut short.
  std::string Serialize() const;
  static absl::StatusOr<TreeEnsemble> Parse(std::string_view bytes);

  static constexpr int kDeepest = 12;

  // One tree, for those that walk it node by node. Lives as long as the ensemble does unchanged.
  struct TreeView {
    size_t inner, width;  // nodes above the leaves; columns of a row
    const uint32_t* columns;
    const float* thresholds;
    const float* leaves;

    bool leaf(size_t node) const { return node >= inner; }
    float value(size_t node) const { return leaves[node - inner]; }
    size_t column(size_t node) const { return columns[node] % width; }
    // The child that a row goes to.
    size_t Child(size_t node, const float* row) const;
  };
  std::vector<TreeView> TreesOf(size_t member) const;

 private:
  struct Tree {
    int depth = 0;
    size_t nodes = 0, leaves = 0;  // where its first lies in the member's arrays
  };
  struct Member {
    float base = 0;
    std::vector<Tree> trees;
    std::vector<uint32_t> columns;  // of nodes; + columns_ where a missing value goes left
    std::vector<float> thresholds;  // left where the value is below
    std::vector<float> leaves;
  };

  // Predicts kLanes rows laid out column by column: value of column c, lane l at c * kLanes + l.
  static void PredictLanes(const Member& member, const float* lanes, float* out);
  void PredictBlock(const float* rows, size_t count, float* mean, float* spread) const;
  absl::Status Check(const Member& member) const;

  size_t columns_;
  std::vector<Member> members_;
};

}  // namespace halyard
