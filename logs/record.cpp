#include "logs/record.h"

#include <algorithm>
#include <cassert>

namespace halyard {

std::optional<Outcome> OutcomeFromName(std::string_view name) {
  const auto found = std::find(kOutcomeNames.begin(), kOutcomeNames.end(), name);
  if (found == kOutcomeNames.end()) return std::nullopt;
  return static_cast<Outcome>(found - kOutcomeNames.begin());
}

double Record::value() const {
  assert(outcome == Outcome::kOk && !samples.empty());
  std::vector<double> sorted = samples;
  const size_t half = sorted.size() / 2;
  std::nth_element(sorted.begin(), sorted.begin() + half, sorted.end());
  const double upper = sorted[half];
  if (sorted.size() % 2 == 1) return upper;
  const double lower = *std::max_element(sorted.begin(), sorted.begin() + half);
  return lower + (upper - lower) / 2;
}

}  // namespace halyard
