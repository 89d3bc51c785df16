// Reads trees from XGBoost's JSON model and from our own bytes, and writes the latter.

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "cost_model/tree_ensemble.h"
#include "fmt/format.h"

namespace halyard {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "Serialize writes memory as it is");

// XGBoost's arrays of one tree, indexed by node.
struct JsonTree {
  std::vector<int> left, right, column, missing_left;
  // Of a leaf its value, of another node its threshold.
  std::vector<float> value;

  explicit JsonTree(const json& tree)
      : left(tree.at("left_children").get<std::vector<int>>()),
        right(tree.at("right_children").get<std::vector<int>>()),
        column(tree.at("split_indices").get<std::vector<int>>()),
        value(tree.at("split_conditions").get<std::vector<float>>()) {
    // A list of booleans in some releases, of 0 and 1 in others.
    for (const json& d : tree.at("default_left")) {
      missing_left.push_back(d.is_boolean() ? d.get<bool>() : d.get<int>() != 0);
    }
    const size_t nodes = left.size();
    if (nodes == 0 || right.size() != nodes || column.size() != nodes || value.size() != nodes ||
        missing_left.size() != nodes) {
      throw std::invalid_argument("a tree's lists are of different lengths");
    }
    if (tree.contains("categories_nodes") && !tree.at("categories_nodes").empty()) {
      throw std::invalid_argument("a tree splits on categories");
    }
  }

  int Child(const std::vector<int>& side, int node) const {
    const int child = side.at(static_cast<size_t>(node));
    // Children come after their parents, which also rules out cycles.
    if (child <= node || child >= static_cast<int>(left.size())) {
      throw std::invalid_argument("a tree's node has a child out of place");
    }
    return child;
  }

  int Depth(int node) const {
    if (left.at(static_cast<size_t>(node)) < 0) return 0;
    return 1 + std::max(Depth(Child(left, node)), Depth(Child(right, node)));
  }
};

// Fills the complete tree below `place`, `levels` above the leaves, from the JSON node.
void Fill(const JsonTree& from, int node, size_t place, int levels, int depth, size_t columns,
          uint32_t* to_columns, float* to_thresholds, float* to_leaves) {
  const auto n = static_cast<size_t>(node);
  const bool leaf = from.left[n] < 0;
  if (levels == 0) {
    to_leaves[place - ((size_t{1} << depth) - 1)] = from.value[n];
    return;
  }
  if (leaf) {
    // Any way down leads to the same value.
    to_columns[place] = 0;
    to_thresholds[place] = std::numeric_limits<float>::infinity();
  } else {
    if (from.column[n] < 0 || static_cast<size_t>(from.column[n]) >= columns) {
      throw std::invalid_argument(fmt::format("a tree asks for column {}", from.column[n]));
    }
    to_columns[place] = static_cast<uint32_t>(from.column[n]) +
                        (from.missing_left[n] != 0 ? static_cast<uint32_t>(columns) : 0);
    to_thresholds[place] = from.value[n];
  }
  for (const bool right : {false, true}) {
    const int child = leaf ? node : from.Child(right ? from.right : from.left, node);
    Fill(from, child, 2 * place + 1 + (right ? 1 : 0), levels - 1, depth, columns, to_columns,
         to_thresholds, to_leaves);
  }
}

template <typename T>
void Append(const T& value, std::string& bytes) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}
template <typename T>
void AppendAll(const std::vector<T>& values, std::string& bytes) {
  Append(static_cast<uint64_t>(values.size()), bytes);
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

// Takes values off the front; false, for good, once something is missing.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  template <typename T>
  bool Take(T& value) {
    if (bytes_.size() < sizeof value) return false;
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_.remove_prefix(sizeof value);
    return true;
  }
  template <typename T>
  bool TakeAll(std::vector<T>& values) {
    uint64_t count = 0;
    if (!Take(count) || count > bytes_.size() / sizeof(T)) return false;
    values.resize(count);
    std::memcpy(values.data(), bytes_.data(), count * sizeof(T));
    bytes_.remove_prefix(count * sizeof(T));
    return true;
  }
  bool done() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

}  // namespace

absl::Status TreeEnsemble::Add(std::string_view xgboost_json) {
  Member member;
  try {
    const json learner = json::parse(xgboost_json).at("learner");
    const json& parameters = learner.at("learner_model_param");
    const size_t columns = std::stoul(parameters.at("num_feature").get<std::string>());
    if (columns != columns_) {
      return absl::InvalidArgumentError(
          fmt::format("trees of {} columns in an ensemble of {}", columns, columns_));
    }
    member.base = std::stof(parameters.at("base_score").get<std::string>());
    for (const json& tree : learner.at("gradient_booster").at("model").at("trees")) {
      const JsonTree from(tree);
      const int depth = from.Depth(0);
      if (depth > kDeepest) {
        return absl::InvalidArgumentError(
            fmt::format("a tree of {} levels, more than {}", depth, kDeepest));
      }
      member.trees.push_back({depth, member.columns.size(), member.leaves.size()});
      const size_t leaves = size_t{1} << depth;
      member.columns.resize(member.columns.size() + leaves - 1);
      member.thresholds.resize(member.columns.size());
      member.leaves.resize(member.leaves.size() + leaves);
      const Tree& t = member.trees.back();
      Fill(from, 0, 0, depth, depth, columns_, member.columns.data() + t.nodes,
           member.thresholds.data() + t.nodes, member.leaves.data() + t.leaves);
    }
  } catch (const std::exception& e) {
    return absl::InvalidArgumentError(fmt::format("not XGBoost's trees: {}", e.what()));
  }
  members_.push_back(std::move(member));
  return absl::OkStatus();
}

std::string TreeEnsemble::Serialize() const {
  std::string bytes;
  Append(static_cast<uint64_t>(columns_), bytes);
  Append(static_cast<uint64_t>(members_.size()), bytes);
  for (const Member& m : members_) {
    Append(m.base, bytes);
    std::vector<uint8_t> depths;
    for (const Tree& t : m.trees) depths.push_back(static_cast<uint8_t>(t.depth));
    AppendAll(depths, bytes);
    AppendAll(m.columns, bytes);
    AppendAll(m.thresholds, bytes);
    AppendAll(m.leaves, bytes);
  }
  return bytes;
}

absl::Status TreeEnsemble::Check(const Member& member) const {
  size_t nodes = 0, leaves = 0;
  for (const Tree& t : member.trees) {
    nodes += (size_t{1} << t.depth) - 1;
    leaves += size_t{1} << t.depth;
  }
  bool fits = member.columns.size() == nodes && member.thresholds.size() == nodes &&
              member.leaves.size() == leaves && std::isfinite(member.base);
  for (const uint32_t column : member.columns) fits = fits && column < 2 * columns_;
  for (const float leaf : member.leaves) fits = fits && std::isfinite(leaf);
  for (const float threshold : member.thresholds) fits = fits && !std::isnan(threshold);
  return fits ? absl::OkStatus() : absl::InvalidArgumentError("trees that do not fit together");
}

absl::StatusOr<TreeEnsemble> TreeEnsemble::Parse(std::string_view bytes) {
  const absl::Status cut_short = absl::InvalidArgumentError("trees cut short");
  Reader reader(bytes);
  uint64_t columns = 0, members = 0;
  if (!reader.Take(columns) || !reader.Take(members)) return cut_short;
  TreeEnsemble ensemble(columns);
  for (uint64_t i = 0; i < members; i++) {
    Member m;
    std::vector<uint8_t> depths;
    if (!reader.Take(m.base) || !reader.TakeAll(depths) || !reader.TakeAll(m.columns) ||
        !reader.TakeAll(m.thresholds) || !reader.TakeAll(m.leaves)) {
      return cut_short;
    }
    size_t nodes = 0, leaves = 0;
    for (const uint8_t depth : depths) {
      if (depth > kDeepest) return absl::InvalidArgumentError("a tree too deep");
      m.trees.push_back({depth, nodes, leaves});
      nodes += (size_t{1} << depth) - 1;
      leaves += size_t{1} << depth;
    }
    if (absl::Status s = ensemble.Check(m); !s.ok()) return s;
    ensemble.members_.push_back(std::move(m));
  }
  if (!reader.done()) return absl::InvalidArgumentError("bytes after the last tree");
  return ensemble;
}

}  // namespace halyard
