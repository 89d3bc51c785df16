// Quartiles of what replays observed, for people and for programs.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace halyard {

// Observed values by nearest rank (Hyndman and Fan 1996, definition 1), so that one may be
// infinite.
struct Quartiles {
  double low = 0, median = 0, high = 0;
};
// REQUIRES: values is not empty.
Quartiles QuartilesOf(std::vector<double> values);

// What is infinite is null here.
nlohmann::json QuartilesJson(const Quartiles& q);

// Percent of a share, in two digits or three; "-" where it is infinite.
std::string PercentText(double share);

// "40 [20 64]": the median and the other quartiles, each as `text` has it.
template <typename Text>
std::string RangeText(const Quartiles& q, Text text) {
  return fmt::format("{} [{} {}]", text(q.median), text(q.low), text(q.high));
}

}  // namespace halyard
