#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/logs/test_log.h"
#include "tuner/library/shipped_library.h"

namespace halyard {

// A library of an rpi4 with these workloads at these nanoseconds.
inline ShippedLibrary LibraryOf(const std::vector<std::pair<std::string, double>>& variants) {
  ShippedLibrary library;
  library.folder = "out/rpi4";
  library.device = "rpi4";
  library.unit = "ns";
  for (const auto& [workload, value] : variants) {
    ShippedVariant v;
    v.record = OkRecord(workload, "tile=4", value);
    library.variants.push_back(v);
  }
  return library;
}

}  // namespace halyard
