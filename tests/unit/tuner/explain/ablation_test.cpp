#include "tuner/explain/ablation.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/cost_model/feature_tasks.h"

namespace halyard {
namespace {

// Any space, whatever its rules: what is promised of every ablation.
void ExpectAblationsOf(const ScheduleSpace& space, const Config& config,
                       const std::vector<Config>& known, size_t most) {
  const std::vector<KnobAblations> all = ChooseAblations(space, config, known, most);
  ASSERT_EQ(all.size(), config.size());
  for (size_t k = 0; k < all.size(); k++) {
    const std::string told = space.knobs()[k].name + " of " + space.ToText(config);
    EXPECT_EQ(all[k].knob, k);
    EXPECT_EQ(all[k].ablations.empty(), !all[k].why_none.empty()) << told;
    EXPECT_LE(all[k].ablations.size(), most) << told;
    std::set<int> values;
    for (const Ablation& a : all[k].ablations) {
      EXPECT_EQ(a.knob, k);
      EXPECT_EQ(space.why_invalid(a.config), "") << told << ": " << space.ToText(a.config);
      EXPECT_NE(a.config[k], config[k]) << told;
      EXPECT_TRUE(values.insert(a.config[k]).second) << told << " twice";
      // What differs is the knob, what is said to move along, or idle in one of the two.
      for (size_t j = 0; j < config.size(); j++) {
        const bool along = std::count(a.along.begin(), a.along.end(), j) > 0;
        if (along) {
          EXPECT_NE(a.config[j], config[j]) << told;
          EXPECT_NE(j, k) << told;
        } else if (j != k && a.config[j] != config[j]) {
          EXPECT_FALSE(Matters(space, a.config, j)) << told << " also moves " << j;
        }
      }
    }
  }
}

TEST(ChooseAblations, AreValidAndOfTheirKnobInEverySpace) {
  std::mt19937_64 rng(1);
  size_t ablations = 0, configs = 0;
  for (const char* workload :
       {"gemm:1x1x1", "gemm:48x48x48", "gemm:77x768x3072", "gemm:1x1024x1024,packed=1",
        "batch_gemm:12x128x128x64", "softmax:64x300", "softmax:3x1000",
        "conv2d:1x9x11x7x13x3x3,pad=1", "conv2d:1x56x56x64x64x3x3,pad=1",
        "conv2d:1x14x14x32x32x3x3,stride=2,pad=1,groups=32", "attention:12x128x64",
        "attention:2x13x37x11,causal=1"}) {
    const Task task = TaskOf(workload);
    std::vector<Config> drawn = {task.space.safe()};
    for (int i = 0; i < 8; i++) {
      const auto c = task.space.Random(rng);
      drawn.push_back(c ? *c : task.space.Neighbour(drawn.back(), rng, 1000));
    }
    for (const Config& config : drawn) {
      ExpectAblationsOf(task.space, config, drawn, 3);
      for (const KnobAblations& k : ChooseAblations(task.space, config, {}, 3)) {
        ablations += k.ablations.size();
      }
      configs++;
    }
  }
  // A handful of knobs, two or three values each.
  EXPECT_GT(ablations, 8 * configs);
}

// x and y are sizes of which the product may not pass 16; z matters in form b alone, w never.
ScheduleSpace SmallSpace() {
  SpaceDefinition def;
  def.knobs = {Knob::Choice("form", {"a", "b", "c"}),
               Knob::Sizes("x", {1, 2, 4, 8, 16}),
               Knob::Sizes("y", {1, 2, 4, 8, 16}),
               Knob::Sizes("z", {1, 2, 4, 8}),
               Knob::Sizes("w", {1, 2}),
               Knob::Sizes("one", {7})};
  def.canonicalise = [](const ConfigView& v, Config& c) {
    if (!v.is("form", "b")) c[3] = 0;
    c[4] = 0;
  };
  def.why_invalid = [](const ConfigView& v) -> std::string {
    if (v["x"] * v["y"] > 16) return "x times y is beyond 16";
    if (v.is("form", "b") && v["z"] == 1) return "form b needs a z";
    if (v.is("form", "c") && v["x"] > 4) return "form c is for an x up to 4";
    return "";
  };
  def.safe = {0, 0, 0, 0, 0, 0};
  return ScheduleSpace(def);
}

std::vector<std::string> Texts(const ScheduleSpace& space, const KnobAblations& k) {
  std::vector<std::string> texts;
  for (const Ablation& a : k.ablations) {
    texts.push_back(space.ToText(a.config));
    for (const size_t j : a.along) texts.back() += " along " + space.knobs()[j].name;
  }
  return texts;
}

TEST(ChooseAblations, TakesTheNearestSizesThatAreValid) {
  const ScheduleSpace space = SmallSpace();
  // x=4 y=2.
  const auto all = ChooseAblations(space, {0, 2, 1, 0, 0, 0}, {}, 3);
  EXPECT_EQ(Texts(space, all[1]), (std::vector<std::string>{"form=a x=1 y=2 z=1 w=1 one=7",
                                                            "form=a x=2 y=2 z=1 w=1 one=7",
                                                            "form=a x=8 y=2 z=1 w=1 one=7"}));
  EXPECT_EQ(Texts(space, ChooseAblations(space, {0, 2, 1, 0, 0, 0}, {}, 1)[1]),
            (std::vector<std::string>{"form=a x=2 y=2 z=1 w=1 one=7"}));
}

TEST(ChooseAblations, SaysWhyAKnobHasNone) {
  const ScheduleSpace space = SmallSpace();
  const auto all = ChooseAblations(space, {0, 2, 1, 0, 0, 0}, {}, 3);
  EXPECT_EQ(all[3].why_none, "does not matter under the others");
  EXPECT_EQ(all[4].why_none, "does not matter under the others");
  EXPECT_EQ(all[5].why_none, "has one value");

  SpaceDefinition def;
  def.knobs = {Knob::Sizes("x", {1, 2, 4}), Knob::Choice("form", {"a", "b"})};
  def.why_invalid = [](const ConfigView& v) -> std::string {
    return v["x"] == 1 ? "" : "too large by " + std::to_string(v["x"] - 1);
  };
  def.safe = {0, 0};
  const ScheduleSpace strict(def);
  const auto none = ChooseAblations(strict, {0, 1}, {}, 3);
  EXPECT_EQ(none[0].why_none, "no other value is valid: too large by 1");
  EXPECT_EQ(none[1].ablations.size(), 1u);
}

TEST(ChooseAblations, WhatWakesUpIsAsInTheFirstKnownConfig) {
  const ScheduleSpace space = SmallSpace();
  const Config config = {0, 1, 1, 0, 0, 0};
  const std::vector<Config> known = {{2, 0, 0, 0, 0, 0}, {1, 4, 0, 3, 0, 0}, {1, 0, 0, 1, 0, 0}};
  EXPECT_EQ(Texts(space, ChooseAblations(space, config, known, 3)[0]),
            (std::vector<std::string>{"form=b x=2 y=2 z=8 w=1 one=7 along z",
                                      "form=c x=2 y=2 z=1 w=1 one=7"}));
}

TEST(ChooseAblations, OneMoreKnobMovesWhereNoneIsValidAlone) {
  const ScheduleSpace space = SmallSpace();
  // Nothing known: z of form b has to leave its first value, which is a step rather than x's two.
  EXPECT_EQ(Texts(space, ChooseAblations(space, {0, 3, 1, 0, 0, 0}, {}, 3)[0]),
            (std::vector<std::string>{"form=b x=8 y=2 z=2 w=1 one=7 along z",
                                      "form=c x=4 y=2 z=1 w=1 one=7 along x"}));
  // Of a size only where it has no value alone.
  SpaceDefinition def;
  def.knobs = {Knob::Sizes("x", {1, 2, 4}), Knob::Sizes("y", {1, 2, 4})};
  def.why_invalid = [](const ConfigView& v) -> std::string {
    return v["x"] == v["y"] ? "" : "x is not y";
  };
  def.safe = {0, 0};
  const ScheduleSpace equal(def);
  EXPECT_EQ(Texts(equal, ChooseAblations(equal, {1, 1}, {}, 3)[0]),
            (std::vector<std::string>{"x=1 y=1 along y", "x=4 y=4 along y"}));
}

TEST(Matters, IsWhetherAnotherValueIsAnotherConfig) {
  const ScheduleSpace space = SmallSpace();
  EXPECT_TRUE(Matters(space, {1, 0, 0, 1, 0, 0}, 3));
  EXPECT_FALSE(Matters(space, {0, 0, 0, 0, 0, 0}, 3));
  EXPECT_TRUE(Matters(space, {0, 0, 0, 0, 0, 0}, 1));
  EXPECT_FALSE(Matters(space, {0, 0, 0, 0, 0, 0}, 5));
}

}  // namespace
}  // namespace halyard
