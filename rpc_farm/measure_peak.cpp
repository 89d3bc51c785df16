#include "rpc_farm/measure_peak.h"

namespace halyard {

absl::StatusOr<Peak> MeasurePeak(Executor& executor, const Device& device) {
  RunRequest request;
  request.mode = RunMode::kPeak;
  request.threads = device.cores;
  const RunOutcome outcome = executor.Run(request, std::chrono::seconds(60));
  if (outcome.status != RunStatus::kOk) return absl::UnavailableError(outcome.message);
  return Peak{outcome.reply.peak_gflops, outcome.reply.copy_gb_per_s};
}

}  // namespace halyard
