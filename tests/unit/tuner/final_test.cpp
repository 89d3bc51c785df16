#include "tuner/final.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "schedules/task.h"

namespace halyard {
namespace {

TEST(PairedRatio, IsTheGeometricMeanAndTightensWithAgreement) {
  const RatioInterval r = PairedRatio({2, 2, 2, 2}, {1, 1, 1, 1});
  EXPECT_NEAR(r.mean, 2, 1e-12);
  EXPECT_NEAR(r.low, 2, 1e-12);
  EXPECT_NEAR(r.high, 2, 1e-12);
  // logs of the ratios are +-ln 2: mean 0, standard deviation sqrt(2) ln 2, t(1) = 12.71.
  const RatioInterval wide = PairedRatio({2, 1}, {1, 2});
  EXPECT_NEAR(wide.mean, 1, 1e-12);
  EXPECT_NEAR(std::log(wide.high), 12.71 * std::log(2.0), 1e-9);
}

TEST(PairedRatio, DriftCommonToBothSidesDoesNotWidenIt) {
  std::vector<double> a, b;
  for (int i = 0; i < 10; i++) {
    a.push_back(1.1 * (1 + i));
    b.push_back(1.0 * (1 + i));
  }
  const RatioInterval r = PairedRatio(a, b);
  EXPECT_NEAR(r.high - r.low, 0, 1e-9);
}

TEST(ChooseWinner, KeepsTheFirstUnlessAnotherIsSurelyFaster) {
  std::mt19937 rng(1);
  std::normal_distribution<double> noise(0, 0.05);
  auto sampled = [&](double mean) {
    std::vector<double> v;
    for (int i = 0; i < 15; i++) v.push_back(mean * (1 + noise(rng)));
    return v;
  };
  int moved_to_equal = 0, moved_to_faster = 0;
  for (int i = 0; i < 200; i++) {
    moved_to_equal += ChooseWinner({sampled(1), sampled(1)}) == 1;
    moved_to_faster += ChooseWinner({sampled(1), sampled(0.8)}) == 1;
  }
  EXPECT_LE(moved_to_equal, 6);
  EXPECT_GE(moved_to_faster, 199);
}

TEST(ChooseWinner, PassesOverWhatWasWrong) {
  EXPECT_EQ(ChooseWinner({{}, {1, 1, 1}}), 1u);
  EXPECT_EQ(ChooseWinner({{1, 1, 1}, {}}), 0u);
}

TEST(DropWhatDoesNotFit, KeepsTheBestAndTheBaseline) {
  Device device = LoadDevice("host").value();
  // Two tensors of 1 GiB each; 0.4 of the memory holds four pairs.
  device.memory_bytes = int64_t{24} << 30;
  const Task task = MakeTask(ParseWorkload("softmax:65536x4096:f32").value(), device);
  Config other = task.space.safe();
  other[0]++;
  const std::vector<Finalist> all = {{"#1", other, 1, {}},
                                     {"#2", other, 2, {}},
                                     {"#3", other, 3, {}},
                                     {"#4", other, 4, {}},
                                     {"baseline", task.space.safe(), 9, {}}};
  const auto labels = [&](size_t peers) {
    std::vector<Finalist> left = all;
    DropWhatDoesNotFit(task, peers, left);
    std::string text;
    for (const Finalist& f : left) text += f.label + " ";
    return text;
  };
  EXPECT_EQ(labels(0), "#1 #2 #3 baseline ");
  EXPECT_EQ(labels(1), "#1 #2 baseline ");
  EXPECT_EQ(labels(9), "#1 baseline ");
}

}  // namespace
}  // namespace halyard
