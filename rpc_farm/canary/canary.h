// A board's health in one run: a reference kernel whose answer is known and whose time should never
// change.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "rpc_farm/executor.h"

namespace halyard {

class Canary {
 public:
  // FailedPrecondition: its artifact for the device's toolchain is missing.
  static absl::StatusOr<Canary> For(const Device& device);

  // On boards with a clock twenty samples of at least half a millisecond; on virtual boards one
  // counted run.
  const RunRequest& request() const { return request_; }

  // Nanoseconds (of the fastest sample: what else a machine does only ever makes it slower, and a
  // slower clock slows the fastest too), or cycles. DataLoss: the answer is wrong. Unavailable:
  // there is none, or its time is void; one line says why.
  absl::StatusOr<double> Judge(const RunOutcome& outcome) const;

 private:
  Canary() = default;
  absl::Status CheckAnswer(const EntryResult& result) const;

  RunRequest request_;
  std::vector<double> expected_;  // at the probe points
  double projection_ = 0;
};

// A canary is over after this long, or its board is not well.
inline constexpr std::chrono::milliseconds kCanaryDeadline{10'000};

}  // namespace halyard
