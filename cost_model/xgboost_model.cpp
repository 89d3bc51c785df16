#include <xgboost/c_api.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "cost_model/cost_model.h"
#include "fmt/format.h"

namespace halyard {
namespace {

// Chosen on simulated measurements of gemm tasks with 4 % noise, by Spearman's correlation on
// unseen configs after 128 measurements: 0.956 as here; 0.942 with depth 6, min_child_weight 1 and
// 4 pairs, of which depth 4 alone mends half. More rounds or a slower rate change nothing. There is
// no row or column sampling, so that a fit is a function of its data.
constexpr int kRounds = 100;
constexpr std::pair<const char*, const char*> kParameters[] = {
    {"objective", "rank:pairwise"},
    {"tree_method", "hist"},
    {"max_bin", "64"},
    {"max_depth", "4"},
    {"eta", "0.2"},
    {"min_child_weight", "3"},
    {"lambda", "1"},
    {"subsample", "1"},
    {"colsample_bytree", "1"},
    // Rows that each row is compared with in a round; the default of 1 makes noisy gradients.
    {"num_pairsample", "16"},
    // The order in which threads add up histograms and draw pairs shows in the last bits, and so in
    // ties: training on one thread is the same everywhere and no slower at these sizes. Predict
    // shares out rows itself.
    {"nthread", "1"},
    {"verbosity", "0"},
};

struct FreeBooster {
  void operator()(void* handle) const { XGBoosterFree(handle); }
};
struct FreeMatrix {
  void operator()(void* handle) const { XGDMatrixFree(handle); }
};
using Booster = std::unique_ptr<void, FreeBooster>;
using Matrix = std::unique_ptr<void, FreeMatrix>;

// Rows that one thread predicts in one go, about a millisecond's work: waking a thread for less, as
// for the annealing chains' steps, costs more than it gives, above all on a busy machine.
constexpr size_t kBlockRows = 512;

absl::Status Check(int result, const char* doing) {
  if (result == 0) return absl::OkStatus();
  return absl::InternalError(fmt::format("XGBoost, {}: {}", doing, XGBGetLastError()));
}

absl::Status CheckShape(const Dataset& data) {
  const FeatureMatrix& f = data.features;
  if (f.columns == 0) return absl::InvalidArgumentError("dataset: no feature columns");
  if (f.values.size() % f.columns != 0) {
    return absl::InvalidArgumentError(
        fmt::format("dataset: {} feature values are no whole number of {} columns", f.values.size(),
                    f.columns));
  }
  if (f.rows() == 0) return absl::InvalidArgumentError("dataset: no rows");
  if (data.labels.size() != f.rows()) {
    return absl::InvalidArgumentError(fmt::format("dataset: {} labels for {} rows, want one a row",
                                                  data.labels.size(), f.rows()));
  }
  const uint64_t grouped =
      std::accumulate(data.group_sizes.begin(), data.group_sizes.end(), uint64_t{0});
  if (grouped != f.rows()) {
    return absl::InvalidArgumentError(
        fmt::format("dataset: groups hold {} rows of {}, want all", grouped, f.rows()));
  }
  for (const float label : data.labels) {
    if (!(label >= 0 && label <= 1)) {
      return absl::InvalidArgumentError(
          fmt::format("dataset: label {} is not relative throughput in [0, 1]", label));
    }
  }
  const bool infinite =
      std::any_of(f.values.begin(), f.values.end(), [](float v) { return std::isinf(v); });
  return infinite ? absl::InvalidArgumentError("dataset: a feature is infinite") : absl::OkStatus();
}

absl::StatusOr<Matrix> MakeMatrix(const Dataset& data) {
  DMatrixHandle raw = nullptr;
  const FeatureMatrix& f = data.features;
  const float missing = std::numeric_limits<float>::quiet_NaN();
  absl::Status s = Check(XGDMatrixCreateFromMat_omp(f.values.data(), f.rows(), f.columns, missing,
                                                    &raw, /*nthread=*/1),
                         "reading features");
  Matrix matrix(raw);
  if (s.ok()) {
    s = Check(XGDMatrixSetFloatInfo(raw, "label", data.labels.data(), data.labels.size()),
              "labels");
  }
  if (s.ok()) {
    s = Check(XGDMatrixSetUIntInfo(raw, "group", data.group_sizes.data(), data.group_sizes.size()),
              "groups");
  }
  if (!s.ok()) return s;
  return matrix;
}

absl::StatusOr<Booster> Train(const Matrix& matrix, uint64_t seed) {
  DMatrixHandle data[] = {matrix.get()};
  BoosterHandle raw = nullptr;
  absl::Status s = Check(XGBoosterCreate(data, 1, &raw), "creating");
  Booster booster(raw);
  for (const auto& [name, value] : kParameters) {
    if (s.ok()) s = Check(XGBoosterSetParam(raw, name, value), name);
  }
  const std::string seed_text = std::to_string(seed % std::numeric_limits<int32_t>::max());
  if (s.ok()) s = Check(XGBoosterSetParam(raw, "seed", seed_text.c_str()), "seed");
  for (int round = 0; s.ok() && round < kRounds; round++) {
    s = Check(XGBoosterUpdateOneIter(raw, round, matrix.get()), "training");
  }
  if (!s.ok()) return s;
  return booster;
}

// Predicts `rows` rows from `values` on into `out`. The in-place predictor keeps its results per
// calling thread, so it needs no lock.
absl::Status PredictRows(const Booster& booster, const float* values, size_t rows, size_t columns,
                         float* out) {
  const std::string array =
      fmt::format(R"({{"data":[{},true],"shape":[{},{}],"typestr":"<f4","version":3}})",
                  reinterpret_cast<uintptr_t>(values), rows, columns);
  constexpr char kConfig[] = R"({"type":0,"training":false,"iteration_begin":0,"iteration_end":0,)"
                             R"("strict_shape":false,"cache_id":0,"missing":NaN})";
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* result = nullptr;
  const absl::Status s = Check(XGBoosterPredictFromDense(booster.get(), array.c_str(), kConfig,
                                                         nullptr, &shape, &dimensions, &result),
                               "predicting");
  if (s.ok()) std::copy_n(result, rows, out);
  return s;
}

class XgboostModel final : public CostModel {
 public:
  explicit XgboostModel(uint64_t seed) : seed_(seed) {}

  absl::Status Fit(const Dataset& data) override {
    if (absl::Status s = CheckShape(data); !s.ok()) return s;
    absl::StatusOr<Matrix> matrix = MakeMatrix(data);
    if (!matrix.ok()) return matrix.status();
    absl::StatusOr<Booster> booster = Train(*matrix, seed_);
    if (!booster.ok()) return booster.status();
    // The first prediction settles XGBoost's lazy configuration; later ones only read it, which is
    // what makes them safe to run side by side.
    float first = 0;
    const absl::Status s =
        PredictRows(*booster, data.features.values.data(), 1, data.features.columns, &first);
    if (!s.ok()) return s;
    booster_ = *std::move(booster);
    columns_ = data.features.columns;
    return absl::OkStatus();
  }

  std::vector<float> Predict(const FeatureMatrix& features) const override {
    if (!fitted() || features.rows() == 0) return std::vector<float>(features.rows(), 0.0f);
    if (features.columns != columns_) {
      throw std::invalid_argument(fmt::format("model was fitted to {} feature columns, not {}",
                                              columns_, features.columns));
    }
    std::vector<float> scores(features.rows());
    const auto blocks = static_cast<int64_t>((scores.size() + kBlockRows - 1) / kBlockRows);
    std::vector<absl::Status> outcomes(static_cast<size_t>(blocks));
#pragma omp parallel for schedule(dynamic) if (blocks > 1)
    for (int64_t b = 0; b < blocks; b++) {
      const size_t begin = static_cast<size_t>(b) * kBlockRows;
      const size_t rows = std::min(kBlockRows, scores.size() - begin);
      outcomes[b] = PredictRows(booster_, features.values.data() + begin * columns_, rows, columns_,
                                scores.data() + begin);
    }
    for (const absl::Status& s : outcomes) {
      if (!s.ok()) throw std::runtime_error(std::string(s.message()));
    }
    return scores;
  }

  bool fitted() const override { return booster_ != nullptr; }

 private:
  uint64_t seed_;
  Booster booster_;
  size_t columns_ = 0;
};

}  // namespace

std::unique_ptr<CostModel> MakeXgboostModel(uint64_t seed) {
  return std::make_unique<XgboostModel>(seed);
}

}  // namespace halyard
