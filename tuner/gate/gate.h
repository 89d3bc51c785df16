// The gate between a log and a library that is to take a shipped one's place: variant by variant,
// the new config beside its predecessor, and a slower or wrong one stays out.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "tuner/gate/variant_gate.h"
#include "tuner/library/library_builder.h"

namespace halyard {

struct GateReport {
  ShippedLibrary previous;
  std::vector<GatedVariant> variants;  // by workload
  double board_seconds = 0;
};

// Takes from `spec` the log's best of each workload and leaves in it what may ship, with a GateNote
// each: every workload of the spec or of the previous library, unless nothing of it is right.
//
// A config that has not changed, and whose compiler has not, is not run. What is run is run on
// inputs of a seed that follows from the previous manifest and the workload, which no search has
// used: the same gate asks the same again.
//
// Cancelled: interrupted. Unavailable: the board or the builder was lost. Errors are the log's.
absl::StatusOr<GateReport> PassGate(GateBench& bench, ShippedLibrary previous, LibrarySpec& spec,
                                    const ShowGate& show);

}  // namespace halyard
