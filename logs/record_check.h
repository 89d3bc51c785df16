// What holds for every record in a log, whichever store keeps it and whichever way it came in.
#pragma once

#include "absl/status/status.h"
#include "logs/record.h"

namespace halyard {

// Checks a record and makes it storable. InvalidArgument names the field and what would be right.
//
// Text that comes from outside (message, checks, compiler, environment) may hold any bytes: NUL and
// what is not UTF-8 become U+FFFD, in place, so that a compiler's odd message never costs a record.
// All other text must be UTF-8 without NUL. `workload` and `device` are not empty; `unit` is "ns"
// or "virtual_cycles"; `phase` is "screening" or "final"; samples are finite and not negative; an
// ok record has at least one. Peaks are finite and not negative, a predicted score is finite.
absl::Status NormalizeRecord(Record& record);

}  // namespace halyard
