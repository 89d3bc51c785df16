#include "rpc_farm/client/farm_result.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "rpc_farm/run_status.h"
#include "rpc_farm/runner_outcome.h"

namespace halyard {
namespace {

using farm::v1::RequestResult;

// No run is given more: what an agent tells beyond is not believed.
constexpr uint64_t kLongestBoardMs = 3'600'000;
// A board this much faster or slower than its device's ruler is none of the device.
constexpr double kLargestRuler = 1000;

// As the device's ruler would have timed it.
void PutOnRuler(double ruler, RunReply* reply) {
  for (std::vector<EntryResult>& entries : reply->candidates) {
    for (EntryResult& entry : entries) {
      for (double& ns : entry.samples_ns) ns *= ruler;
    }
  }
}

RunOutcome Damaged(const farm::v1::JobResult& job, const std::string& what) {
  return {RunStatus::kInfra, OneLine(fmt::format("board {} {}", job.board(), what)), {}};
}

RunOutcome OutcomeOf(const farm::v1::JobResult& job, const RunRequest& request, BoardKind kind) {
  RunOutcome outcome;
  outcome.message = OneLine(job.message());
  const auto status = ParseRunStatus(job.status());
  if (!status) return Damaged(job, fmt::format("tells of a '{}'", job.status()));
  outcome.status = *status;
  try {
    if (!job.reply().empty()) outcome.reply = nlohmann::json::parse(job.reply()).get<RunReply>();
  } catch (const nlohmann::json::exception& e) {
    return Damaged(job, fmt::format("sent no reply: {}", e.what()));
  }
  // Without a reply these two would be taken for a run of no candidates.
  if (*status == RunStatus::kOk || *status == RunStatus::kUnstable) {
    if (const absl::Status s = CheckReply(outcome.reply, request); !s.ok()) {
      return Damaged(job, fmt::format("sent a reply that is none: {}", std::string(s.message())));
    }
  }
  if (!IsTimed(kind) || job.ruler() == 0) return outcome;
  if (!(job.ruler() >= 1 / kLargestRuler && job.ruler() <= kLargestRuler)) {
    return Damaged(job, fmt::format("is {} times its device's ruler", job.ruler()));
  }
  PutOnRuler(job.ruler(), &outcome.reply);
  return outcome;
}

}  // namespace

FarmOutcome ReadFarmResult(const RequestResult& result, const RunRequest& request, BoardKind kind) {
  if (result.end() != RequestResult::DONE) {
    return {{result.end() == RequestResult::LOST ? RunStatus::kBoardLost : RunStatus::kInfra,
             OneLine(result.why()),
             {}},
            "",
            ""};
  }
  const farm::v1::JobResult& job = result.result();
  FarmOutcome read{OutcomeOf(job, request, kind), job.board(), job.environment()};
  if (job.board_ms() > 0) {
    read.outcome.board_seconds =
        1e-3 * static_cast<double>(std::min(job.board_ms(), kLongestBoardMs));
  }
  const bool timed = IsTimed(kind) && !read.outcome.reply.candidates.empty();
  if (timed && job.ruler() > 0) {
    read.environment += fmt::format(", times {:.4f} of the ruler", job.ruler());
  }
  return read;
}

}  // namespace halyard
