// A run of a suite from its beginning to its libraries, however often it is killed on the way: what
// it has used of its budget and what it has shipped. The trials themselves are in the log.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace halyard {

struct NightState {
  std::string suite_sha256;  // of what the suite's file says
  int64_t begun_unix_ms = 0;
  int64_t deadline_unix_ms = 0;   // 0: none
  double seconds = 0;             // of wall time, while it ran
  double board_seconds = 0;       // of all boards
  std::set<std::string> shipped;  // devices that are done
};

// Not thread-safe.
class Night {
 public:
  // Goes on with the night that `path` tells of, if it is one of the same suite and its deadline
  // has not passed, otherwise begins another, which `fresh` is. Errors name the file: what is in it
  // cannot be read, or nothing can be written there.
  static absl::StatusOr<Night> Begin(const std::string& path, const NightState& fresh);

  const NightState& state() const { return state_; }
  bool resumed() const { return resumed_; }

  // What was used since Begin, of this run alone. Durable on return, as the others are.
  absl::Status Use(double seconds, double board_seconds);
  absl::Status Ship(const std::string& device);
  // The next run is another night's.
  absl::Status End();

 private:
  Night(std::string path, NightState state, bool resumed)
      : path_(std::move(path)), before_(state), state_(std::move(state)), resumed_(resumed) {}
  absl::Status Save() const;

  std::string path_;
  NightState before_;  // as of Begin
  NightState state_;
  bool resumed_;
};

}  // namespace halyard
