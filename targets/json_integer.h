// Integers of messages, as strictly as they are meant: nlohmann-json's own conversion makes some
// number of 1e300, of true and of 4294967297, where the program that wrote it meant none of these.
#pragma once

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace halyard {

// nlohmann::json::exception: not an integer, or none that fits.
template <typename Int>
Int IntegerOf(const nlohmann::json& json) {
  using Limits = std::numeric_limits<Int>;
  const bool fits = json.is_number_unsigned()
                        ? std::cmp_less_equal(json.get<uint64_t>(), Limits::max())
                        : json.is_number_integer() &&
                              std::cmp_greater_equal(json.get<int64_t>(), Limits::min()) &&
                              std::cmp_less_equal(json.get<int64_t>(), Limits::max());
  if (!fits) {
    throw nlohmann::json::other_error::create(504, "no integer that fits: " + json.dump(), &json);
  }
  return json.get<Int>();
}

template <typename Int>
std::vector<Int> IntegersOf(const nlohmann::json& json) {
  if (!json.is_array()) {
    throw nlohmann::json::other_error::create(505, "no list of integers: " + json.dump(), &json);
  }
  std::vector<Int> integers;
  integers.reserve(json.size());
  for (const nlohmann::json& one : json) integers.push_back(IntegerOf<Int>(one));
  return integers;
}

template <typename Int>
void ReadInteger(const nlohmann::json& object, const char* name, Int* value) {
  *value = IntegerOf<Int>(object.at(name));
}

}  // namespace halyard
