// A part of a schedule space, small enough to be measured whole: each knob limited to some of its
// values. Searches, features and models take it as they take any space.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "schedules/task.h"

namespace halyard {

// For each knob of a space the positions of the values it keeps, rising, one at least.
using Restriction = std::vector<std::vector<int>>;

// The same by name, as people and files write it: values as Knob::text gives them.
struct KnobSubset {
  std::string knob;
  std::vector<std::string> values;
  bool operator==(const KnobSubset&) const = default;
};

// More combinations than this are not enumerated: 4 bytes and some microseconds each.
inline constexpr uint64_t kMostRestrictedCombinations = uint64_t{1} << 22;

// Knobs that are not named keep all their values. InvalidArgument: a knob or value that the space
// does not have, a knob named twice, or one without values.
absl::StatusOr<Restriction> ParseRestriction(const ScheduleSpace& space,
                                             const std::vector<KnobSubset>& subsets);
// Every knob, in order.
std::vector<KnobSubset> RestrictionText(const ScheduleSpace& space, const Restriction& restriction);

// The configs of `task` whose values are all kept. A restricted config is valid where the whole
// space calls the config of the same text valid; one whose canonical form needs a value that was
// not kept is not. So the valid configs are exactly the whole space's valid ones that the kept
// values can write, and texts mean the same in both spaces.
//
// Canonicalisation and validity are computed once for all combinations, so both are table look-ups
// afterwards. InvalidArgument: the safe config is not in the part, or the part has more than
// kMostRestrictedCombinations combinations. REQUIRES: restriction fits task.space.
absl::StatusOr<Task> RestrictTask(const Task& task, const Restriction& restriction);

// Index of every valid config, rising. Visits all combinations.
std::vector<uint64_t> ValidIndices(const ScheduleSpace& space);

}  // namespace halyard
