#include "tuner/model_guide.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "cost_model/features.h"
#include "tests/unit/cost_model/feature_tasks.h"

namespace halyard {
namespace {

// Log2 of a time that the features tell well and that few configs have the best of.
float MadeUpLogTime(const float* row) {
  return row[kTimeCompute] + row[kParallelImbalance] + 0.3f * std::fabs(row[kProductRegM] - 6) +
         std::fabs(row[kProductTileM] - 2) + std::fabs(row[kProductTileN] - 1) +
         0.5f * std::fabs(row[kProductUnroll] - 2);
}
double MadeUpTime(const FeatureExtractor& features, const Config& config) {
  std::vector<float> row(FeatureExtractor::columns());
  features.Row(config, row.data());
  return std::exp2(MadeUpLogTime(row.data()));
}

// Learns from labels in another order than they belong in.
class ShuffledLabels final : public CostModel {
 public:
  absl::Status Fit(const Dataset& data) override {
    Dataset shuffled = data;
    std::mt19937_64 rng(data.labels.size());
    for (size_t i = shuffled.labels.size(); i > 1; i--) {
      std::swap(shuffled.labels[i - 1], shuffled.labels[rng() % i]);
    }
    return model_->Fit(shuffled);
  }
  std::vector<float> Predict(const FeatureMatrix& features,
                             std::vector<float>* spread) const override {
    return model_->Predict(features, spread);
  }
  bool fitted() const override { return model_->fitted(); }

 private:
  std::unique_ptr<CostModel> model_ = MakeTreeModel(1);
};

// Sees the same features whatever the config.
class ConstantFeatures final : public CostModel {
 public:
  absl::Status Fit(const Dataset& data) override {
    Dataset constant = data;
    std::fill(constant.features.values.begin(), constant.features.values.end(), 1.0f);
    return model_->Fit(constant);
  }
  std::vector<float> Predict(const FeatureMatrix& features,
                             std::vector<float>* spread) const override {
    FeatureMatrix constant = features;
    std::fill(constant.values.begin(), constant.values.end(), 1.0f);
    return model_->Predict(constant, spread);
  }
  bool fitted() const override { return model_->fitted(); }

 private:
  std::unique_ptr<CostModel> model_ = MakeTreeModel(1);
};

// Ranks exactly backwards, from the start.
class Backwards final : public CostModel {
 public:
  absl::Status Fit(const Dataset&) override { return absl::OkStatus(); }
  std::vector<float> Predict(const FeatureMatrix& f, std::vector<float>*) const override {
    std::vector<float> scores;
    for (size_t r = 0; r < f.rows(); r++) scores.push_back(MadeUpLogTime(&f.values[r * f.columns]));
    return scores;
  }
  bool fitted() const override { return true; }
};

// Searches as tune_loop does, without measuring: batches of sixteen by annealing over the guide's
// score.
struct Outcome {
  int batches = 0, random_batches = 0;
  double best = INFINITY;
};
Outcome SearchWith(ModelGuide& guide, const Task& task, int batches, uint64_t seed = 1) {
  const FeatureExtractor features(task);
  const auto strategy = MakeStrategy("sa", seed);
  SearchState state;
  state.task = &task;
  Outcome outcome;
  for (; outcome.batches < batches; outcome.batches++) {
    state.score = guide.score();
    if (!state.score) outcome.random_batches++;
    const size_t first_new = state.trials.size();
    for (const Config& config : strategy->Propose(state, 16)) {
      state.tried.insert(task.space.index_of(config));
      state.trials.push_back({config, true, MadeUpTime(features, config)});
      outcome.best = std::min(outcome.best, state.trials.back().value);
    }
    guide.Learn(state.trials, first_new);
  }
  return outcome;
}

TEST(ModelGuide, AModelThatRanksIsTrustedAndFindsBetterConfigs) {
  const Task task = GemmTask({256, 256, 256});
  double with_model = 0, without = 0;
  for (const uint64_t seed : {1, 2, 3, 4}) {
    ModelGuide guide(task, seed);
    EXPECT_FALSE(guide.trusted());
    EXPECT_FALSE(guide.score());
    const Outcome guided = SearchWith(guide, task, 8, seed);
    EXPECT_TRUE(guide.trusted());
    EXPECT_LE(guided.random_batches, 3);
    ASSERT_TRUE(guide.correlation().has_value());
    EXPECT_NE(guide.report().find("rank correlation"), std::string::npos) << guide.report();
    ModelGuide blind(task, std::make_unique<ConstantFeatures>(), "constant");
    with_model += guided.best;
    without += SearchWith(blind, task, 8, seed).best;
  }
  EXPECT_LT(with_model, 0.95 * without);
}

TEST(ModelGuide, ShuffledLabelsAreNoticedAndSaid) {
  const Task task = GemmTask({256, 256, 256});
  ModelGuide guide(task, std::make_unique<ShuffledLabels>(), "shuffled labels");
  const Outcome outcome = SearchWith(guide, task, 16);
  EXPECT_GT(guide.batches_set_aside(), 5);
  // The first batch is random anyway.
  EXPECT_GT(outcome.random_batches, 6);
  EXPECT_NE(guide.report().find("shuffled labels; "), std::string::npos) << guide.report();
  EXPECT_NE(guide.report().find("no better than chance after"), std::string::npos)
      << guide.report();
}

TEST(ModelGuide, ConstantFeaturesAreNoticedAfterOneBatch) {
  const Task task = GemmTask({256, 256, 256});
  ModelGuide guide(task, std::make_unique<ConstantFeatures>(), "constant features");
  const Outcome outcome = SearchWith(guide, task, 6);
  EXPECT_FALSE(guide.trusted());
  EXPECT_GE(guide.batches_set_aside(), 4);
  EXPECT_GE(outcome.random_batches, 5);
  EXPECT_NE(guide.report().find("no better than chance"), std::string::npos) << guide.report();
}

TEST(ModelGuide, ABaseModelThatRanksBackwardsIsDroppedAfterItsFirstBatch) {
  const Task task = GemmTask({256, 256, 256});
  ModelGuide guide(task, std::make_unique<Backwards>(), "backwards");
  EXPECT_TRUE(guide.trusted());
  SearchWith(guide, task, 2);
  EXPECT_FALSE(guide.trusted());
}

TEST(ModelGuide, TrustComesBackOnARandomBatch) {
  const Task task = GemmTask({256, 256, 256});
  // Wrong for the first batches, then right: as a model is that got enough data.
  class Improving final : public CostModel {
   public:
    absl::Status Fit(const Dataset&) override {
      fits_++;
      return absl::OkStatus();
    }
    std::vector<float> Predict(const FeatureMatrix& f, std::vector<float>*) const override {
      const float sign = fits_ < 4 ? 1 : -1;
      std::vector<float> scores;
      for (size_t r = 0; r < f.rows(); r++) {
        const float* row = &f.values[r * f.columns];
        scores.push_back(sign *
                         (row[kTimeCompute] + row[kParallelImbalance] + 0.2f * row[kProductRegM]));
      }
      return scores;
    }
    bool fitted() const override { return true; }

   private:
    int fits_ = 0;
  };
  ModelGuide guide(task, std::make_unique<Improving>(), "improving");
  SearchWith(guide, task, 3);
  EXPECT_FALSE(guide.trusted());
  SearchWith(guide, task, 4);
  EXPECT_TRUE(guide.trusted());
}

TEST(ModelGuide, FeaturesThatCannotBeComputedAreReported) {
  SpaceDefinition def;
  def.knobs = {Knob::Sizes("x", {1, 2, 4, 8, 16}), Knob::Sizes("y", {1, 2, 4, 8, 16})};
  def.safe = {0, 0};
  const Task task{Workload{"none", {3}, "f32", {}}, TestDevice(), nullptr, ScheduleSpace(def)};
  ModelGuide guide(task, 1);
  std::vector<Trial> trials;
  for (int i = 0; i < 16; i++) trials.push_back({{i % 4, i / 4}, true, 1.0 + i});
  guide.Learn(trials, 0);
  EXPECT_NE(guide.report().find("feature knob x could not be computed for 16 configs"),
            std::string::npos)
      << guide.report();
}

}  // namespace
}  // namespace halyard
