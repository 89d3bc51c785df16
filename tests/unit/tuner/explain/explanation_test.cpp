// What a person and a program are shown, of a study and reasons that are made up.

#include "tuner/explain/explanation.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/unit/cost_model/feature_tasks.h"

namespace halyard {
namespace {

using nlohmann::json;

class ExplanationTest : public testing::Test {
 protected:
  ExplanationTest() {
    study_.config = config_;
    study_.samples = {1.1e6, 1e6, 0.9e6};
    study_.rounds = 15;
    Add({{"form", "online"}}, {1.31, 1.29, 1.33});
    Add({{"vec", "4"}}, {2.5, 2.4, 2.6});
    Add({{"unroll", "4"}}, {0.9, 0.88, 0.92}).confirmed = true;
    Add({{"unroll", "1"}}, {1.002, 0.997, 1.007});
    Add({{"partials", "1"}}, {0.996, 0.98, 1.012});
    Add({{"partials", "3"}}, {1.1, 0.8, 1.5});
    AblationResult& failed = Add({{"block", "4"}}, {0, 0, 0});
    failed.outcome = Outcome::kWrongResult;
    failed.message = "element 7 is 3, should be 4 (tolerance 1e-06)";
    failed.verdict = Verdict::kFailed;
    failed.samples.clear();
    AblationResult& open = Add({{"block", "1"}}, {0, 0, 0});
    open.verdict = Verdict::kNotMeasured;
    open.samples.clear();

    reasons_.emplace();
    reasons_->model = "base model of 2026-11-21 (100 records of 3 tasks)";
    reasons_->score = 0.4;
    reasons_->background_score = 0.1;
    reasons_->background = 64;
    reasons_->measured = true;
    const float nan = std::numeric_limits<float>::quiet_NaN();
    reasons_->features = {{kTimeTotal, 0.25f, 1.5f, 0.35}, {kRowsBlock, 1, nan, -0.06}};
    for (size_t i = 0; i < kFeaturesShown; i++) {
      reasons_->features.push_back({kDeviceLanes, nan, 8, 0.001});
    }
    roofline_.gflops_peak = 400;
    roofline_.copy_gb_per_s = 20;
    roofline_.flops = 1e6;
    roofline_.bytes = 1.6e6;
  }

  AblationResult& Add(std::initializer_list<std::pair<std::string, std::string>> set,
                      RatioInterval ratio) {
    AblationResult r;
    r.ablation.config = config_;
    const Config changed = With(task_, set), safe = task_.space.safe();
    for (size_t k = 0; k < safe.size(); k++) {
      if (task_.space.knobs()[k].name != set.begin()->first) continue;
      r.ablation.knob = k;
      r.ablation.config[k] = changed[k];
    }
    r.outcome = Outcome::kOk;
    r.ratio = ratio;
    r.samples = {ratio.mean, ratio.mean};
    r.beside = {1, 1};
    r.verdict = JudgeRatio(ratio);
    study_.results.push_back(r);
    return study_.results.back();
  }

  Explanation Explained() const {
    return {task_, study_, knobs_, reasons_, roofline_, "some.db", 12};
  }

  const Task task_ = TaskOf("softmax:64x300");
  const Config config_ =
      With(task_, {{"vec", "8"}, {"partials", "2"}, {"unroll", "2"}, {"block", "2"}});
  AblationStudy study_;
  std::vector<KnobAblations> knobs_ = {{5, {}, "does not matter under the others"},
                                       {6, {}, "no other value is valid: too wide"}};
  std::optional<ModelReasons> reasons_;
  Roofline roofline_;
};

TEST_F(ExplanationTest, Text) {
  EXPECT_EQ(ExplanationText(Explained()), R"(softmax:64x300:f32 on test

  config    form=store vec=8 partials=2 unroll=2 block=2 grain=1 parallel=yes
  from      record 12 of some.db

Place on the roofline
    1 ms, 1.0 GFLOP/s, 0.2 % of the peak of 400.0
    0.625 FLOPs a byte, the device's balance is 20 (20.0 GB/s copied): bound by memory
    8.0 % of the roofline, which is 0.08 ms

What a knob is worth: it alone changed
  timed beside the config in up to 15 interleaved rounds, 95 % confidence
    vec          8 -> 4                       costs   150 %  (140 to 160)
    form         store -> online              costs    31 %  (29 to 33)
  FASTER than this config: the search missed it
    unroll       2 -> 4                       saves    10 %  (8.0 to 12), twice over
                 form=store vec=8 partials=2 unroll=4 block=2 grain=1
                 parallel=yes
  makes no difference: within the noise, or less than 1 %
    partials     2 -> 1 (-2.0 to 1.2)
    unroll       2 -> 1 (-0.3 to 0.7)
  too noisy to tell; a quieter machine or more --rounds
    partials     2 -> 3 (-20 to 50)
  failed
    block        2 -> 4                       wrong_result
                 element 7 is 3, should be 4 (tolerance 1e-06)
  not changed
    grain=1: does not matter under the others
    parallel=yes: no other value is valid: too wide
  1 of 8 changes were not measured: interrupted

What the cost model goes by, against 64 other measured configs
    feature                          here      there    score
    time.total/roof                  0.25        1.5   +0.350
    rows.block                          1          -   -0.060
    device.lanes_f32                    -          8   +0.001
    device.lanes_f32                    -          8   +0.001
    device.lanes_f32                    -          8   +0.001
    device.lanes_f32                    -          8   +0.001
    device.lanes_f32                    -          8   +0.001
    device.lanes_f32                    -          8   +0.001
    device.lanes_f32                    -          8   +0.001
    device.lanes_f32                    -          8   +0.001
    2 more                                             +0.002
    score 0.400, theirs 0.100 in the mean              +0.300
  Score: half relative throughput, half rank in the task. There: the median;
  -: does not apply. Model: base model of 2026-11-21 (100 records of 3 tasks).
)");
}

TEST_F(ExplanationTest, WhatMovesAlongIsSaid) {
  study_.results[0].ablation.along = {4};
  study_.results[0].ablation.config[4] = 0;
  const std::string text = ExplanationText(Explained());
  EXPECT_NE(text.find("(29 to 33)\n                 along with it: block=1\n"), std::string::npos)
      << text;
}

TEST_F(ExplanationTest, CountsHaveNoNoise) {
  study_.rounds = 0;
  for (AblationResult& r : study_.results) {
    r.ratio.low = r.ratio.high = r.ratio.mean;
    if (r.samples.empty()) continue;
    r.samples = {r.ratio.mean};
    r.verdict = JudgeRatio(r.ratio);
    EXPECT_NE(r.verdict, Verdict::kUnclear);
  }
  const std::string text = ExplanationText(Explained());
  EXPECT_EQ(text.find("29 to 33"), std::string::npos) << text;
  EXPECT_EQ(text.find("rounds"), std::string::npos) << text;
  EXPECT_NE(text.find("costs    31 %\n"), std::string::npos) << text;
}

TEST_F(ExplanationTest, WithoutModelOrMeasurementsItSaysSo) {
  reasons_.reset();
  study_.samples.clear();
  const std::string text = ExplanationText(Explained());
  EXPECT_NE(text.find("there is none"), std::string::npos) << text;
  EXPECT_EQ(text.find("roofline"), std::string::npos) << text;
  const json j = ExplanationJson(Explained());
  EXPECT_TRUE(j["model"].is_null());
  EXPECT_TRUE(j["value"].is_null());
  EXPECT_TRUE(j["roofline"]["share"].is_null());
}

TEST_F(ExplanationTest, Json) {
  const json j = ExplanationJson(Explained());
  EXPECT_EQ(j["workload"], "softmax:64x300:f32");
  EXPECT_EQ(j["unit"], "ns");
  EXPECT_EQ(j["value"], 1e6);
  EXPECT_EQ(j["record"], 12);
  EXPECT_EQ(j["log"], "some.db");
  EXPECT_EQ(j["roofline"]["bound"], "memory");
  EXPECT_DOUBLE_EQ(j["roofline"]["flops_per_byte"].get<double>(), 0.625);
  ASSERT_EQ(j["ablations"].size(), 8u);
  const json& first = j["ablations"][0];
  EXPECT_EQ(first["knob"], "form");
  EXPECT_EQ(first["from"], "store");
  EXPECT_EQ(first["to"], "online");
  EXPECT_EQ(first["verdict"], "costs");
  EXPECT_EQ(first["ratio"]["high"], 1.33);
  EXPECT_EQ(j["ablations"][2]["verdict"], "faster");
  EXPECT_EQ(j["ablations"][2]["confirmed"], true);
  EXPECT_EQ(j["ablations"][6]["outcome"], "wrong_result");
  EXPECT_TRUE(j["ablations"][6]["ratio"].is_null());
  EXPECT_TRUE(j["ablations"][7]["outcome"].is_null());
  EXPECT_EQ(j["unchanged"][0]["why"], "does not matter under the others");
  EXPECT_EQ(j["model"]["features"].size(), 12u);
  EXPECT_TRUE(j["model"]["features"][1]["background"].is_null());
  EXPECT_EQ(j["model"]["features"][0]["name"], "time.total/roof");
}

}  // namespace
}  // namespace halyard
