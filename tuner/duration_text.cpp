#include "tuner/duration_text.h"

#include <algorithm>
#include <cstdint>

#include "fmt/format.h"

namespace halyard {

std::string DurationText(double seconds) {
  const auto whole = static_cast<int64_t>(std::max(0.0, seconds));
  if (whole >= 3600) return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
  return whole >= 60 ? fmt::format("{}m{:02}s", whole / 60, whole % 60)
                     : fmt::format("{} s", whole);
}

}  // namespace halyard
