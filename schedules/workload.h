// A workload: operator + shape + dtype + attributes, with a canonical text that round-trips.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace halyard {

// Canonical text: `attention:16x4096x40:f32`, `gemm:128x3072x768,bias=1,act=gelu:f32`. Attributes
// at their default are left out, the others stand in the operator's order.
struct Workload {
  std::string op;
  std::vector<int64_t> shape;
  std::string dtype = "f32";
  std::map<std::string, int64_t> attributes;  // all of the operator's, labels as their position

  std::string ToText() const;
  int64_t attribute(const std::string& name) const { return attributes.at(name); }
  bool operator==(const Workload& o) const = default;
};

// Both check everything the operator can: rank, sizes from 1 to 2^31-1, attribute names and ranges,
// element counts below 2^31 a tensor. InvalidArgument names the argument, what is wrong, and what
// would be right.
absl::StatusOr<Workload> ParseWorkload(const std::string& text);
absl::StatusOr<Workload> MakeWorkload(const std::string& op, const std::string& shape,
                                      const std::string& dtype);

}  // namespace halyard
