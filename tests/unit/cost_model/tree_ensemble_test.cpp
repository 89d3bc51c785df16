#include "cost_model/tree_ensemble.h"

#include <gtest/gtest.h>
#include <omp.h>
#include <xgboost/c_api.h>

#include <cmath>
#include <limits>

#include "targets/counter_rng.h"

namespace halyard {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

FeatureMatrix Rows(uint64_t seed, size_t rows, size_t columns) {
  FeatureMatrix matrix{columns, std::vector<float>(rows * columns)};
  for (size_t i = 0; i < matrix.values.size(); i++) {
    matrix.values[i] = CounterUniform(seed, 0, i);
    // One value in five is missing, and some values are alike.
    if (CounterUniform(seed, 1, i) > 0.6f) matrix.values[i] = kMissing;
    if (CounterUniform(seed, 2, i) > 0.8f) matrix.values[i] = 0.25f;
  }
  return matrix;
}

// A booster of XGBoost's on made-up labels, to compare with.
class Reference {
 public:
  Reference(const FeatureMatrix& rows, int depth, int rounds, bool constant = false) {
    std::vector<float> labels;
    for (size_t r = 0; r < rows.rows(); r++) {
      const float* row = &rows.values[r * rows.columns];
      const float second = row[rows.columns > 1 ? 1 : 0];
      const float a = std::isnan(row[0]) ? 0.7f : row[0], b = std::isnan(second) ? -1 : second;
      labels.push_back(constant ? 0.5f : a * b + std::sin(7 * a));
    }
    Must(XGDMatrixCreateFromMat(rows.values.data(), rows.rows(), rows.columns, kMissing, &matrix_));
    Must(XGDMatrixSetFloatInfo(matrix_, "label", labels.data(), labels.size()));
    Must(XGBoosterCreate(&matrix_, 1, &booster_));
    for (const auto& [name, value] : std::initializer_list<std::pair<const char*, std::string>>{
             {"max_depth", std::to_string(depth)},
             {"eta", "0.3"},
             {"tree_method", "hist"},
             {"base_score", "0.125"},
             {"verbosity", "0"},
             {"nthread", "1"}}) {
      Must(XGBoosterSetParam(booster_, name, value.c_str()));
    }
    for (int i = 0; i < rounds; i++) Must(XGBoosterUpdateOneIter(booster_, i, matrix_));
  }
  ~Reference() {
    XGBoosterFree(booster_);
    XGDMatrixFree(matrix_);
  }
  Reference(const Reference&) = delete;
  Reference& operator=(const Reference&) = delete;

  std::string Json() const {
    bst_ulong size = 0;
    const char* bytes = nullptr;
    Must(XGBoosterSaveModelToBuffer(booster_, R"({"format": "json"})", &size, &bytes));
    return {bytes, size};
  }
  std::vector<float> Predict(const FeatureMatrix& rows) const {
    DMatrixHandle matrix = nullptr;
    Must(XGDMatrixCreateFromMat(rows.values.data(), rows.rows(), rows.columns, kMissing, &matrix));
    bst_ulong count = 0;
    const float* values = nullptr;
    Must(XGBoosterPredict(booster_, matrix, 0, 0, 0, &count, &values));
    std::vector<float> predicted(values, values + count);
    XGDMatrixFree(matrix);
    return predicted;
  }

 private:
  static void Must(int result) { ASSERT_EQ(result, 0) << XGBGetLastError(); }
  DMatrixHandle matrix_ = nullptr;
  BoosterHandle booster_ = nullptr;
};

class EqualsXgboost : public testing::TestWithParam<int> {};

TEST_P(EqualsXgboost, BitForBit) {
  const Reference reference(Rows(1, 700, 9), /*depth=*/GetParam(), /*rounds=*/40);
  TreeEnsemble ensemble(9);
  ASSERT_TRUE(ensemble.Add(reference.Json()).ok());
  EXPECT_EQ(ensemble.trees(), 40u);
  // Counts that are no whole number of lanes or blocks, and all values missing.
  for (const size_t rows : {1u, 17u, 1000u}) {
    const FeatureMatrix asked = Rows(2, rows, 9);
    EXPECT_EQ(ensemble.Predict(asked), reference.Predict(asked)) << rows << " rows";
  }
  const FeatureMatrix missing{9, std::vector<float>(3 * 9, kMissing)};
  EXPECT_EQ(ensemble.Predict(missing), reference.Predict(missing));
}
INSTANTIATE_TEST_SUITE_P(Depths, EqualsXgboost, testing::Values(1, 3, 6, 10));

TEST(TreeEnsemble, TreesThatAreALeaf) {
  const FeatureMatrix rows = Rows(1, 50, 4);
  const Reference reference(rows, 4, 3, /*constant=*/true);
  TreeEnsemble ensemble(4);
  ASSERT_TRUE(ensemble.Add(reference.Json()).ok());
  EXPECT_EQ(ensemble.Predict(rows), reference.Predict(rows));
}

TEST(TreeEnsemble, ValuesOnThresholdsGoRight) {
  FeatureMatrix rows{1, {}};
  for (int i = 0; i < 64; i++) rows.values.push_back(static_cast<float>(i % 8));
  const Reference reference(rows, 3, 5);
  TreeEnsemble ensemble(1);
  ASSERT_TRUE(ensemble.Add(reference.Json()).ok());
  FeatureMatrix asked{1, {}};
  for (int i = 0; i <= 28; i++) asked.values.push_back(0.25f * static_cast<float>(i));
  EXPECT_EQ(ensemble.Predict(asked), reference.Predict(asked));
}

TEST(TreeEnsemble, MeanAndSpreadOfMembers) {
  const FeatureMatrix rows = Rows(1, 300, 5);
  const Reference a(rows, 3, 10), b(rows, 5, 20);
  TreeEnsemble ensemble(5);
  ASSERT_TRUE(ensemble.Add(a.Json()).ok());
  ASSERT_TRUE(ensemble.Add(b.Json()).ok());
  const std::vector<float> of_a = a.Predict(rows), of_b = b.Predict(rows);
  std::vector<float> spread;
  const std::vector<float> mean = ensemble.Predict(rows, &spread);
  for (size_t i = 0; i < mean.size(); i++) {
    EXPECT_FLOAT_EQ(mean[i], (of_a[i] + of_b[i]) / 2);
    EXPECT_NEAR(spread[i], std::fabs(of_a[i] - of_b[i]) / 2, 1e-6);
  }
}

TEST(TreeEnsemble, TheSameOnAnyNumberOfThreads) {
  const int threads = omp_get_max_threads();
  const Reference reference(Rows(1, 300, 5), 6, 30);
  TreeEnsemble ensemble(5);
  ASSERT_TRUE(ensemble.Add(reference.Json()).ok());
  const FeatureMatrix asked = Rows(3, 3000, 5);
  omp_set_num_threads(1);
  const std::vector<float> one = ensemble.Predict(asked);
  omp_set_num_threads(4);
  EXPECT_EQ(ensemble.Predict(asked), one);
  omp_set_num_threads(threads);
}

TEST(TreeEnsemble, BytesGiveTheEnsembleBack) {
  const FeatureMatrix rows = Rows(1, 300, 5);
  const Reference reference(rows, 4, 6);
  TreeEnsemble ensemble(5);
  ASSERT_TRUE(ensemble.Add(reference.Json()).ok());
  const std::string bytes = ensemble.Serialize();
  const auto parsed = TreeEnsemble::Parse(bytes);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->Predict(rows), ensemble.Predict(rows));
  for (size_t length = 0; length < bytes.size(); length++) {
    EXPECT_FALSE(TreeEnsemble::Parse(std::string_view(bytes).substr(0, length)).ok()) << length;
  }
  EXPECT_FALSE(TreeEnsemble::Parse(bytes + "x").ok());
}

// Whatever the bytes, what is parsed can be asked: no index leaves its array.
TEST(TreeEnsemble, DamagedBytesAreRefusedOrHarmless) {
  const FeatureMatrix rows = Rows(1, 60, 3);
  const Reference reference(rows, 2, 2);
  TreeEnsemble ensemble(3);
  ASSERT_TRUE(ensemble.Add(reference.Json()).ok());
  const std::string bytes = ensemble.Serialize();
  int refused = 0;
  for (size_t at = 0; at < bytes.size(); at++) {
    for (const char flip : {'\x01', '\x80', '\x7f'}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      const auto parsed = TreeEnsemble::Parse(damaged);
      if (parsed.ok() && parsed->columns() == 3 && parsed->members() > 0) {
        EXPECT_EQ(parsed->Predict(rows).size(), 60u);
      } else {
        refused++;
      }
    }
  }
  EXPECT_GT(refused, 50);
}

TEST(TreeEnsemble, WhatIsNoModelOfItsColumnsIsRefused) {
  const Reference reference(Rows(1, 100, 5), 3, 2);
  TreeEnsemble other(6);
  const absl::Status status = other.Add(reference.Json());
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("5 columns in an ensemble of 6"), std::string::npos) << status;
  TreeEnsemble ensemble(5);
  const std::string json = reference.Json();
  EXPECT_FALSE(ensemble.Add("").ok());
  EXPECT_FALSE(ensemble.Add("{}").ok());
  EXPECT_FALSE(ensemble.Add(std::string_view(json).substr(0, json.size() / 2)).ok());
  EXPECT_EQ(ensemble.members(), 0u);
  EXPECT_THROW(ensemble.Predict(Rows(1, 2, 5)), std::logic_error);
  ASSERT_TRUE(ensemble.Add(json).ok());
  EXPECT_THROW(ensemble.Predict(Rows(1, 2, 4)), std::invalid_argument);
  EXPECT_TRUE(ensemble.Predict({5, {}}).empty());
}

TEST(TreeEnsemble, ChildrenThatLeadNowhereAreRefused) {
  const Reference reference(Rows(1, 100, 2), 1, 1);
  std::string json = reference.Json();
  const size_t at = json.find("\"left_children\":[1");
  ASSERT_NE(at, std::string::npos);
  json[at + 17] = '0';  // its own parent
  TreeEnsemble ensemble(2);
  EXPECT_EQ(ensemble.Add(json).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace halyard
