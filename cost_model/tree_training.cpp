#include "cost_model/tree_training.h"

#include <xgboost/c_api.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"

namespace halyard {
namespace {

struct FreeBooster {
  void operator()(void* handle) const { XGBoosterFree(handle); }
};
struct FreeMatrix {
  void operator()(void* handle) const { XGDMatrixFree(handle); }
};
using Booster = std::unique_ptr<void, FreeBooster>;
using Matrix = std::unique_ptr<void, FreeMatrix>;

absl::Status Check(int result, const char* doing) {
  if (result == 0) return absl::OkStatus();
  return absl::InternalError(fmt::format("XGBoost, {}: {}", doing, XGBGetLastError()));
}

absl::Status CheckShape(const Dataset& data) {
  const FeatureMatrix& f = data.features;
  auto wrong = [](std::string what) { return absl::InvalidArgumentError("dataset: " + what); };
  if (f.columns == 0) return wrong("no feature columns");
  if (f.values.size() % f.columns != 0) {
    return wrong(fmt::format("{} feature values are no whole number of {} columns", f.values.size(),
                             f.columns));
  }
  if (f.rows() == 0) return wrong("no rows");
  if (data.labels.size() != f.rows()) {
    return wrong(
        fmt::format("{} labels for {} rows, want one a row", data.labels.size(), f.rows()));
  }
  if (!data.weights.empty() && data.weights.size() != f.rows()) {
    return wrong(fmt::format("{} weights for {} rows, want one a row or none", data.weights.size(),
                             f.rows()));
  }
  const uint64_t grouped =
      std::accumulate(data.group_sizes.begin(), data.group_sizes.end(), uint64_t{0});
  if (grouped != f.rows()) {
    return wrong(fmt::format("groups hold {} rows of {}, want all", grouped, f.rows()));
  }
  for (const float label : data.labels) {
    if (!(label >= 0 && label <= 1)) {
      return wrong(fmt::format("label {} is not relative throughput in [0, 1]", label));
    }
  }
  for (const float weight : data.weights) {
    if (!(weight > 0) || std::isinf(weight)) return wrong(fmt::format("weight {}", weight));
  }
  const bool infinite =
      std::any_of(f.values.begin(), f.values.end(), [](float v) { return std::isinf(v); });
  return infinite ? wrong("a feature is infinite") : absl::OkStatus();
}

// Replaces labels by the mean of each and its rank in the group, from 0 to 1; equal labels share
// the mean of their ranks.
void MixWithRanks(std::span<float> labels) {
  std::vector<size_t> order(labels.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return labels[a] < labels[b]; });
  const std::vector<float> before(labels.begin(), labels.end());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && before[order[end]] == before[order[begin]]) end++;
    const float rank = 0.5f * static_cast<float>(begin + end) / static_cast<float>(order.size());
    for (size_t i = begin; i < end; i++) labels[order[i]] = 0.5f * (before[order[i]] + rank);
    begin = end;
  }
}

// Further below its prediction than this, in the unit of the targets, a doubtful row was slow by
// chance, and then counts this much.
constexpr float kFarBelow = 0.1f, kDisbelieved = 0.15f;

// What the trees learn: labels and ranks, around their mean in each group. A group weighs as the
// root of its rows: many rows of one task say less than as many of several.
struct Centred {
  std::vector<float> values, weights;

  // `belief`: a factor of each row's weight.
  Centred(const Dataset& data, std::vector<float> targets, const std::vector<float>& belief)
      : values(std::move(targets)), weights(belief) {
    for (size_t i = 0; i < data.weights.size(); i++) weights[i] *= data.weights[i];
    size_t begin = 0;
    for (const unsigned size : data.group_sizes) {
      double sum = 0, weight = 0;
      for (size_t i = begin; i < begin + size; i++) {
        sum += static_cast<double>(weights[i]) * values[i];
        weight += weights[i];
      }
      for (size_t i = begin; i < begin + size; i++) {
        values[i] -= static_cast<float>(sum / weight);
        weights[i] /= std::sqrt(static_cast<float>(size));
      }
      begin += size;
    }
    const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
    const auto scale = static_cast<float>(static_cast<double>(weights.size()) / all);
    for (float& w : weights) w *= scale;
  }
};

absl::StatusOr<Matrix> MakeMatrix(const Dataset& data, const Centred& targets) {
  DMatrixHandle raw = nullptr;
  const FeatureMatrix& f = data.features;
  const float missing = std::numeric_limits<float>::quiet_NaN();
  absl::Status s = Check(XGDMatrixCreateFromMat_omp(f.values.data(), f.rows(), f.columns, missing,
                                                    &raw, /*nthread=*/1),
                         "reading features");
  Matrix matrix(raw);
  if (s.ok()) {
    s = Check(XGDMatrixSetFloatInfo(raw, "label", targets.values.data(), f.rows()), "labels");
  }
  if (s.ok()) {
    s = Check(XGDMatrixSetFloatInfo(raw, "weight", targets.weights.data(), f.rows()), "weights");
  }
  if (!s.ok()) return s;
  return matrix;
}

absl::Status TrainMember(const Matrix& matrix, const TreeOptions& o, int member,
                         TreeEnsemble& ensemble) {
  const uint64_t seed =
      (o.seed * 1000 + static_cast<uint64_t>(member)) % std::numeric_limits<int32_t>::max();
  const std::pair<const char*, std::string> parameters[] = {
      {"objective", "reg:squarederror"},
      {"base_score", "0"},
      {"tree_method", "hist"},
      {"max_bin", "64"},
      {"max_depth", std::to_string(o.depth)},
      {"eta", fmt::format("{}", o.rate)},
      {"min_child_weight", fmt::format("{}", o.smallest_leaf)},
      {"lambda", fmt::format("{}", o.lambda)},
      {"subsample", fmt::format("{}", o.rows)},
      {"colsample_bytree", fmt::format("{}", o.columns)},
      // The order in which threads add up histograms shows in the last bits, and so in ties:
      // training on one thread is the same everywhere.
      {"nthread", "1"},
      {"verbosity", "0"},
      {"seed", std::to_string(seed)},
  };
  DMatrixHandle data[] = {matrix.get()};
  BoosterHandle raw = nullptr;
  absl::Status s = Check(XGBoosterCreate(data, 1, &raw), "creating");
  const Booster booster(raw);
  for (const auto& [name, value] : parameters) {
    if (s.ok()) s = Check(XGBoosterSetParam(raw, name, value.c_str()), name);
  }
  for (int round = 0; s.ok() && round < o.rounds; round++) {
    s = Check(XGBoosterUpdateOneIter(raw, round, matrix.get()), "training");
  }
  bst_ulong size = 0;
  const char* bytes = nullptr;
  if (s.ok()) {
    s = Check(XGBoosterSaveModelToBuffer(raw, R"({"format": "json"})", &size, &bytes), "saving");
  }
  return s.ok() ? ensemble.Add({bytes, size}) : s;
}

}  // namespace

absl::StatusOr<std::vector<float>> TargetsOf(const Dataset& data) {
  if (absl::Status s = CheckShape(data); !s.ok()) return s;
  std::vector<float> targets = data.labels;
  size_t begin = 0;
  for (const unsigned size : data.group_sizes) {
    MixWithRanks(std::span(targets).subspan(begin, size));
    begin += size;
  }
  return targets;
}

absl::StatusOr<TreeEnsemble> TrainTrees(const Dataset& data, const TreeOptions& options) {
  const absl::StatusOr<std::vector<float>> labels = TargetsOf(data);
  if (!labels.ok()) return labels.status();
  const bool doubts = std::any_of(data.weights.begin(), data.weights.end(),
                                  [](float weight) { return weight < 1; });
  std::vector<float> belief(data.labels.size(), 1.0f);
  for (int passes_left = doubts ? options.doubting_passes : 0;; passes_left--) {
    const Centred targets(data, *labels, belief);
    const absl::StatusOr<Matrix> matrix = MakeMatrix(data, targets);
    if (!matrix.ok()) return matrix.status();
    TreeEnsemble ensemble(data.features.columns);
    for (int member = 0; member < options.members; member++) {
      const absl::Status s = TrainMember(*matrix, options, member, ensemble);
      if (!s.ok()) return s;
    }
    if (passes_left == 0) return ensemble;
    const std::vector<float> predicted = ensemble.Predict(data.features);
    for (size_t i = 0; i < belief.size(); i++) {
      const bool by_chance = data.weights[i] < 1 && targets.values[i] < predicted[i] - kFarBelow;
      belief[i] = by_chance ? kDisbelieved : 1.0f;
    }
  }
}

}  // namespace halyard
