// The report of the plugin that counts a Cortex-M core's cycles.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"

namespace halyard {

struct ThumbCount {
  double cycles = 0;
  std::map<std::string, int64_t> instructions;  // class -> executed
};

// What was counted last. Internal: the text is not a report, or of no kernel.
absl::StatusOr<ThumbCount> LastThumbCount(const std::string& report);

}  // namespace halyard
