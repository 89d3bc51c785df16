#include "cost_model/base_model.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cost_model/features.h"
#include "cost_model/tree_training.h"
#include "targets/counter_rng.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;

BaseModel SmallModel() {
  Dataset data;
  data.features.columns = kFeatureCount;
  for (uint64_t i = 0; i < 60 * kFeatureCount; i++) {
    data.features.values.push_back(CounterUniform(1, 0, i));
  }
  for (uint64_t i = 0; i < 60; i++) {
    data.labels.push_back(0.5f + 0.4f * data.features.values[i * kFeatureCount + 3]);
  }
  data.group_sizes = {60};
  TreeOptions options;
  options.members = 2;
  options.rounds = 3;
  options.smallest_leaf = 2;
  BaseModel model;
  model.trees = TrainTrees(data, options).value();
  model.provenance.records = 1234;
  model.provenance.tasks = 12;
  model.provenance.tasks_by_operator = {{"gemm", 7}, {"conv2d", 5}};
  model.provenance.devices = {"host"};
  model.provenance.date = "2024-01-31";
  model.provenance.metrics = {{"pairs", 0.75}};
  model.known = {{ParseWorkload("gemm:64x64x64:f32").value(), "host", {"vec=8 reg_m=4", "vec=4"}},
                 {ParseWorkload("softmax:8x16:f32").value(), "rpi4", {}}};
  return model;
}

class BaseModelFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (fs::temp_directory_path() / "halyard-model-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    path_ = folder + "/model.bin";
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Read() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  void Write(const std::string& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }
  // Refused with one line that names the file, says `what` and what would be right.
  void ExpectRefused(absl::StatusCode code, const std::string& what) const {
    const auto loaded = LoadBaseModel(path_);
    ASSERT_FALSE(loaded.ok());
    const std::string message(loaded.status().message());
    EXPECT_EQ(loaded.status().code(), code) << message;
    for (const std::string& part : {path_, what, std::string("tune model train")}) {
      EXPECT_NE(message.find(part), std::string::npos) << message;
    }
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
  // The file with `from` in its header replaced.
  void Replace(const std::string& from, const std::string& to) const {
    std::string bytes = Read();
    const size_t at = bytes.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    Write(bytes.replace(at, from.size(), to));
  }

  std::string folder_, path_;
};

TEST_F(BaseModelFile, GivesTheModelBack) {
  const BaseModel model = SmallModel();
  ASSERT_TRUE(SaveBaseModel(model, path_).ok());
  const auto loaded = LoadBaseModel(path_);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const BaseModel::Provenance &p = (*loaded)->provenance, &want = model.provenance;
  EXPECT_EQ(p.records, want.records);
  EXPECT_EQ(p.tasks, want.tasks);
  EXPECT_EQ(p.tasks_by_operator, want.tasks_by_operator);
  EXPECT_EQ(p.devices, want.devices);
  EXPECT_EQ(p.date, want.date);
  EXPECT_EQ(p.metrics, want.metrics);
  ASSERT_EQ((*loaded)->known.size(), model.known.size());
  for (size_t i = 0; i < model.known.size(); i++) {
    EXPECT_EQ((*loaded)->known[i].workload, model.known[i].workload);
    EXPECT_EQ((*loaded)->known[i].device, model.known[i].device);
    EXPECT_EQ((*loaded)->known[i].configs, model.known[i].configs);
  }
  FeatureMatrix rows{kFeatureCount, std::vector<float>(5 * kFeatureCount, 0.3f)};
  EXPECT_EQ((*loaded)->trees.Predict(rows), model.trees.Predict(rows));
  // Nothing is left beside it.
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(BaseModelFile, SavesTheSameBytesAgain) {
  ASSERT_TRUE(SaveBaseModel(SmallModel(), path_).ok());
  const std::string first = Read();
  ASSERT_TRUE(SaveBaseModel(SmallModel(), path_).ok());
  EXPECT_EQ(Read(), first);
}

TEST_F(BaseModelFile, MissingIsNotFound) { ExpectRefused(absl::StatusCode::kNotFound, "no model"); }

TEST_F(BaseModelFile, CutShortAnywhereIsRefused) {
  ASSERT_TRUE(SaveBaseModel(SmallModel(), path_).ok());
  const std::string bytes = Read();
  for (const size_t kept : {size_t{0}, size_t{5}, size_t{40}, bytes.find("\n", 30),
                            bytes.size() / 2, bytes.size() - 1}) {
    Write(bytes.substr(0, kept));
    ExpectRefused(absl::StatusCode::kDataLoss, "model");
  }
  Write(bytes + "x");
  ExpectRefused(absl::StatusCode::kDataLoss, "cut short");
}

TEST_F(BaseModelFile, AFlippedByteIsRefused) {
  ASSERT_TRUE(SaveBaseModel(SmallModel(), path_).ok());
  std::string bytes = Read();
  bytes[bytes.size() - 100] = static_cast<char>(bytes[bytes.size() - 100] ^ 1);
  Write(bytes);
  ExpectRefused(absl::StatusCode::kDataLoss, "checksum");
}

TEST_F(BaseModelFile, SomethingElseIsRefused) {
  Write("SQLite format 3");
  ExpectRefused(absl::StatusCode::kDataLoss, "is not a base model");
  Write("halyard base model\n{}\n");
  ExpectRefused(absl::StatusCode::kDataLoss, "header");
  Write("halyard base model\nnonsense\n");
  ExpectRefused(absl::StatusCode::kDataLoss, "header");
}

TEST_F(BaseModelFile, AnotherVersionIsRefused) {
  ASSERT_TRUE(SaveBaseModel(SmallModel(), path_).ok());
  Replace("\"file_version\":2", "\"file_version\":1");
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "file version 1, this program reads 2");
}

TEST_F(BaseModelFile, OtherFeaturesAreRefused) {
  ASSERT_TRUE(SaveBaseModel(SmallModel(), path_).ok());
  Replace("\"feature_version\":2", "\"feature_version\":1");
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "features version 1");
  ASSERT_TRUE(SaveBaseModel(SmallModel(), path_).ok());
  // The same version number, other names.
  Replace("\"features\":\"", "\"features\":\"f");
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "features version 2 (f");
}

TEST_F(BaseModelFile, AFolderThatIsNotThere) {
  const absl::Status status = SaveBaseModel(SmallModel(), folder_ + "/none/model.bin");
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
}

TEST(ShippedModel, IsOfThisProgramsFeatures) {
  const auto model = LoadBaseModel(ShippedModelPath());
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_GE((*model)->provenance.tasks, 100);
  EXPECT_LT(fs::file_size(ShippedModelPath()), 2u << 20);
}

}  // namespace
}  // namespace halyard
