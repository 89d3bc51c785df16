// What more trials of a search are expected to bring, from those it has made: when to stop, and
// which of several searches to go on with.
//
// Improvements of a search's best value arrive as events whose rate falls as a power of the number
// of trials; in reliability growth that is the power-law process of Crow, "Reliability Analysis for
// Complex, Repairable Systems", 1974. For independent random draws the exponent would be 1 (the
// n-th draw is a record with probability 1/n: Renyi 1962); a guided search uses its luck up faster.
// With x the logarithm by which the best value falls,
//   E[x in trials (t, t + n]] = theta * sum_{j = t+1}^{t+n} kScale * j^-kDecay.
// theta says how much better than usual this search does just now. It has a gamma prior of mean 1
// and takes what the newest trials brought beside what they usually bring, weights halving every
// kHalfLife trials w_j (the conjugate update of a Poisson rate):
//   theta = (kPrior + sum_j w_j x_j) / (kPrior + sum_j w_j kScale j^-kDecay).
// The number of improvements is Poisson given theta and their sizes are taken as exponential with
// mean kSize, so the variance of x with mean m is 2 kSize m + kSize m^2 / (kPrior + sum_j w_j x_j).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "tuner/search_strategy.h"

namespace halyard {

// The horizon of the stop rule.
inline constexpr int kForecastTrials = 64;

struct Forecast {
  int trials = 0;                 // how many more it is about
  double gain = 0;                // expected share by which the best value falls, in [0, 1]
  double deviation = 0;           // standard deviation of that share
  std::optional<double> seconds;  // that the trials take, where the pace is known
};

// Of `more` trials after those, which are in the order they were made. Where none of them was ok
// the gain is the chance that one will be (Laplace's rule of succession). Falls with every trial
// that brings nothing, rises with `more`. No seconds. Linear in the trials. Thread-safe. REQUIRES:
// more >= 0.
Forecast ForecastGain(std::span<const Trial> trials, int more);

// "64 more trials, about 12 s, are expected to bring 0.2 %"; "" for no trials.
std::string ForecastText(const Forecast& forecast);

// How long trials take lately: the newest count for most, because good candidates are measured
// faster and boards warm up.
class TrialPace {
 public:
  void Add(size_t trials, double seconds);
  // Nothing before the first trial.
  std::optional<double> Seconds(int more) const;

 private:
  double trials_ = 0, seconds_ = 0;  // decayed sums
};

}  // namespace halyard
