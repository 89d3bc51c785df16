// What more trials are expected to bring.

#include "tuner/expected_gain.h"

#include <gtest/gtest.h>

#include <cmath>

namespace halyard {
namespace {

std::vector<Trial> Values(const std::vector<double>& values) {
  std::vector<Trial> trials;
  for (const double v : values) trials.push_back({{}, v > 0, v});
  return trials;
}

// 1000, and `by` less for every `step` trials.
std::vector<Trial> Falling(size_t trials, size_t step, double by) {
  std::vector<double> values;
  for (size_t i = 0; i < trials; i++) {
    values.push_back(1000 - by * std::floor(static_cast<double>(i) / static_cast<double>(step)));
  }
  return Values(values);
}

void ExpectSane(const std::vector<Trial>& trials) {
  for (const int more : {0, 1, 16, 64, 100'000}) {
    const Forecast f = ForecastGain(trials, more);
    EXPECT_EQ(f.trials, more);
    EXPECT_GE(f.gain, 0);
    EXPECT_LE(f.gain, 1);
    EXPECT_GE(f.deviation, 0);
    EXPECT_TRUE(std::isfinite(f.gain) && std::isfinite(f.deviation));
    EXPECT_FALSE(f.seconds.has_value());
    EXPECT_EQ(f.gain == 0, more == 0);
  }
}

TEST(ExpectedGain, IsANumberWhateverTheTrials) {
  ExpectSane({});
  ExpectSane(Values({5}));
  ExpectSane(Values({0}));
  ExpectSane(Values({0, 0, 0, 7}));
  ExpectSane(Values(std::vector<double>(1000, 0)));
  ExpectSane(Values(std::vector<double>(1000, 3)));
  ExpectSane(Values({1e12, 1e-3}));
  ExpectSane(Falling(500, 1, 1.9));
}

TEST(ExpectedGain, RisesWithTrialsToComeAndFallsWithIdleOnes) {
  const std::vector<Trial> trials = Falling(100, 20, 30);
  double last = 0;
  for (int more = 1; more < 200; more++) {
    const double gain = ForecastGain(trials, more).gain;
    EXPECT_GT(gain, last);
    last = gain;
  }
  std::vector<Trial> idle = trials;
  for (int i = 0; i < 300; i++) {
    const double before = ForecastGain(idle, kForecastTrials).gain;
    // Slower, failed, as good: none brings anything.
    idle.push_back({{}, i % 3 != 1, i % 3 == 0 ? 2000.0 : 880.0});
    EXPECT_LT(ForecastGain(idle, kForecastTrials).gain, before) << i;
  }
}

TEST(ExpectedGain, RisesWithWhatWasBroughtAndTheMoreTheNewer) {
  const auto gain = [](double improved_to, size_t at) {
    std::vector<double> values(128, 100);
    for (size_t i = at; i < values.size(); i++) values[i] = improved_to;
    return ForecastGain(Values(values), kForecastTrials).gain;
  };
  EXPECT_GT(gain(99, 100), gain(100, 100));
  EXPECT_GT(gain(90, 100), gain(99, 100));
  EXPECT_GT(gain(90, 120), gain(90, 100));
  EXPECT_GT(gain(90, 100), gain(90, 30));
}

TEST(ExpectedGain, HasNoUnitAndNoScale) {
  std::vector<Trial> trials = Falling(90, 9, 40);
  const Forecast one = ForecastGain(trials, 64);
  for (Trial& t : trials) t.value *= 1e6;
  const Forecast other = ForecastGain(trials, 64);
  EXPECT_NEAR(one.gain, other.gain, 1e-12);
  EXPECT_NEAR(one.deviation, other.deviation, 1e-12);
}

TEST(ExpectedGain, WhereNothingWasOkIsTheChanceOfTheFirst) {
  EXPECT_DOUBLE_EQ(ForecastGain({}, 1).gain, 0.5);
  // One of 100: Laplace's 1 / (100 + 2).
  EXPECT_DOUBLE_EQ(ForecastGain(Values(std::vector<double>(100, 0)), 1).gain, 1.0 / 102);
  EXPECT_DOUBLE_EQ(ForecastGain(Values(std::vector<double>(100, 0)), 64).gain, 64.0 / 165);
}

TEST(ExpectedGain, SaysItInASentence) {
  EXPECT_EQ(ForecastText({}), "");
  EXPECT_EQ(ForecastText({64, 0.0021, 0.01, {}}), "64 more trials are expected to bring 0.2 %");
  EXPECT_EQ(ForecastText({128, 0.014, 0.01, 15.2}),
            "128 more trials, about 16 s, are expected to bring 1.4 %");
  EXPECT_EQ(ForecastText({64, 0.014, 0.01, 725}),
            "64 more trials, about 12m05s, are expected to bring 1.4 %");
}

TEST(TrialPace, IsTheNewestTrialsMostly) {
  TrialPace pace;
  EXPECT_FALSE(pace.Seconds(16).has_value());
  pace.Add(16, 32);
  EXPECT_DOUBLE_EQ(*pace.Seconds(8), 16);
  for (int i = 0; i < 20; i++) pace.Add(16, 8);
  EXPECT_NEAR(*pace.Seconds(16), 8, 0.3);
  EXPECT_GT(*pace.Seconds(16), 8);
}

}  // namespace
}  // namespace halyard
