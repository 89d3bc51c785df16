// What of a shipped library still holds: whether a task must be tuned again.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "tuner/library/shipped_library.h"
#include "tuner/tune_loop.h"

namespace halyard {

enum class TaskChange {
  kNew,       // nothing of it was shipped, or the log has lost what was
  kNone,      // space, compiler, flags and device are what the library was built with
  kCompiler,  // or its flags
  kSpace,     // another version: the shipped config may mean another program
};

struct ShippedWinner {
  TaskChange change = TaskChange::kNew;
  const ShippedVariant* shipped = nullptr;  // where there is one
  // The shipped config, where the space as it is now has it.
  std::optional<Config> config;
};

// `previous` must outlive what is returned; nullptr: none. A device whose hardware or timing is not
// what it was has no records of what was shipped: kNew. Errors are the log's.
absl::StatusOr<ShippedWinner> FindShippedWinner(const Workbench& bench,
                                                const ShippedLibrary* previous);

// The shipped config, built and measured now, on inputs that are not those of its record.
struct WinnerAgain {
  Record record;                // as logged
  double ratio = 0;             // its time over the shipped one; 0: it has none
  std::string message() const;  // "2.1 % slower than shipped", "wrong_result: ..."
  // The code or what it runs on does otherwise than was shipped: wrong, or beyond what two runs of
  // one code differ by.
  bool moved = false;
};
// Appends the record. REQUIRES: winner.config. Unavailable: the board was lost.
absl::StatusOr<WinnerAgain> MeasureAgain(const Workbench& bench, const ShippedWinner& winner);

// The newest such record since then, as after a kill.
absl::StatusOr<std::optional<WinnerAgain>> MeasuredSince(const Workbench& bench,
                                                         const ShippedWinner& winner,
                                                         int64_t unix_ms);

}  // namespace halyard
