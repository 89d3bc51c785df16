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
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>((sorted.size() - 1) / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

}  // namespace halyard
