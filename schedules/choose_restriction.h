// Which part of a space to measure whole.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "schedules/restricted_space.h"

namespace halyard {

struct RestrictionRequest {
  std::vector<KnobSubset> fixed;  // knobs whose values are given
  std::vector<Config> good;       // configs known to be good, best first
  int configs = 3000;             // valid configs wanted, about
  uint64_t seed = 1;
};

struct ChosenRestriction {
  Restriction kept;
  uint64_t valid = 0;  // configs of the part
};

// A part that spans bad to best: the values of the safe config and of as many good ones as leave
// room, then values drawn at random until about `configs` configs are valid. More are where the
// safe and the best config alone need more, fewer where the whole space has fewer. Same request,
// same part. Takes some seconds in a space of many knobs.
//
// InvalidArgument: as ParseRestriction and RestrictTask say of `fixed`.
absl::StatusOr<ChosenRestriction> ChooseRestriction(const ScheduleSpace& space,
                                                    const RestrictionRequest& request);

}  // namespace halyard
