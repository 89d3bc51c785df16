#include "rpc_farm/thumb_report.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace halyard {
namespace {

// The plugin counts in 1/65536 of a cycle, so that sums are exact whatever their order.
constexpr double kUnitsPerCycle = 65536;

}  // namespace

absl::StatusOr<ThumbCount> LastThumbCount(const std::string& report) {
  const std::vector<std::string> lines = absl::StrSplit(report, '\n', absl::SkipEmpty());
  if (lines.empty()) return absl::InternalError("no report from the plugin");
  const std::vector<std::string> words = absl::StrSplit(lines.back(), ' ');
  ThumbCount count;
  uint64_t units = 0;
  bool good = absl::SimpleAtoi(words[0], &units);
  for (size_t i = 1; i < words.size(); ++i) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(words[i], absl::MaxSplits('=', 1));
    int64_t executed = 0;
    good = absl::SimpleAtoi(parts.second, &executed) && executed >= 0 &&
           count.instructions.emplace(parts.first, executed).second && good;
  }
  if (!good) {
    return absl::InternalError(
        fmt::format("garbage from the plugin: '{}'", lines.back().substr(0, 80)));
  }
  count.cycles = static_cast<double>(units) / kUnitsPerCycle;
  return count;
}

}  // namespace halyard
