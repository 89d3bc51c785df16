// What becomes of a suite's searches: finals, the gate, libraries.
#pragma once

#include "absl/status/statusor.h"
#include "tuner/cli/suite_searching.h"
#include "tuner/suite/night_summary.h"

namespace halyard {

// Holds the finals of what was searched and writes each device's library, a device's at once when
// its tasks are done. A final that fails costs its task the second look, a board that is lost now
// its device, not the others theirs. A device none of whose tasks has a valid schedule gets no
// library. Cancelled: interrupted, in a nightly suite, which goes on the next time; others end with
// what they have. Errors are the log's, the builder's and those of files.
absl::StatusOr<NightSummary> ShipSuite(SuiteDesk& desk, const SuiteSearching& searching);

}  // namespace halyard
