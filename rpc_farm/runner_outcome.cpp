#include "rpc_farm/runner_outcome.h"

#include <fmt/format.h>
#include <signal.h>
#include <string.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "targets/board_runner/symbol_table.h"
#include "targets/json_integer.h"

namespace halyard {
namespace {

constexpr int kHalideOutOfMemory = -11;  // halide_error_code_out_of_memory

RunOutcome Failure(RunStatus status, std::string message) {
  RunOutcome outcome;
  outcome.status = status;
  outcome.message = OneLine(message);
  return outcome;
}

RunOutcome OfSignal(const ChildResult& child) {
  const char* name = sigabbrev_np(child.signal);
  std::string text = fmt::format("killed by SIG{}", name != nullptr ? name : "?");
  // Nobody but the kernel's out-of-memory killer sends a runner SIGKILL before its deadline.
  if (child.signal == SIGKILL) return Failure(RunStatus::kResource, text + " (out of memory?)");
  if (child.signal == SIGSYS) return Failure(RunStatus::kCrash, text + " (forbidden system call)");
  return Failure(RunStatus::kCrash, text);
}

// Beyond these there is no run: a sample of a day, a count of a million cores' hour.
constexpr double kLongestSampleNs = 86'400e9;
constexpr double kMostCycles = 1e19;
constexpr int64_t kMostTasks = int64_t{1} << 40;

bool IsWithin(double value, double most) { return value >= 0 && value <= most; }

absl::Status CheckFigures(const EntryResult& entry) {
  for (const double ns : entry.samples_ns) {
    if (!IsWithin(ns, kLongestSampleNs) || ns == 0) {
      return absl::InvalidArgumentError(fmt::format("a sample of {} ns", ns));
    }
  }
  bool good = IsWithin(entry.serial_cycles, kMostCycles);
  for (const ParallelRegion& region : entry.regions) {
    good = good && region.tasks >= 0 && region.tasks <= kMostTasks &&
           IsWithin(region.memory_cycles, kMostCycles) &&
           std::all_of(region.cycles.begin(), region.cycles.end(),
                       [](double cycles) { return IsWithin(cycles, kMostCycles); });
  }
  return good ? absl::OkStatus() : absl::InvalidArgumentError("cycles that no kernel takes");
}

}  // namespace

absl::Status CheckReply(const RunReply& reply, const RunRequest& request) {
  if (request.mode == RunMode::kPeak) return absl::OkStatus();
  const auto mismatch = absl::InvalidArgumentError("the reply does not match the request");
  if (reply.candidates.size() != request.candidates.size()) return mismatch;
  for (size_t i = 0; i < reply.candidates.size(); ++i) {
    const size_t expected =
        request.mode == RunMode::kInterleave ? 1 : request.candidates[i].entries.size();
    if (reply.candidates[i].size() != expected) return mismatch;
    for (const EntryResult& entry : reply.candidates[i]) {
      if (absl::Status s = CheckFigures(entry); !s.ok()) return s;
    }
  }
  return absl::OkStatus();
}

std::string OneLine(const std::string& text) {
  std::string line = text.substr(0, 400);
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < 0x20; }, ' ');
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

RunOutcome OutcomeOfRunner(const ChildResult& child, const RunRequest& request) {
  if (!child.started) return Failure(RunStatus::kInfra, "cannot start the runner: " + child.err);
  if (child.timed_out) return Failure(RunStatus::kTimeout, "killed at the deadline");
  if (child.signal != 0) return OfSignal(child);
  if (child.exit_code == kExitOutOfMemory) return Failure(RunStatus::kResource, "out of memory");
  if (child.exit_code != 0) {
    return Failure(RunStatus::kCrash,
                   fmt::format("the runner exited with {}: {}", child.exit_code, child.err));
  }
  if (child.out.empty()) return Failure(RunStatus::kCrash, "the runner exited without a reply");
  RunOutcome outcome;
  try {
    const auto json = nlohmann::json::parse(child.out);
    if (IntegerOf<int>(json.at("protocol")) != kRunProtocolVersion) {
      return Failure(RunStatus::kInfra,
                     fmt::format("the runner speaks protocol {}, this is {}",
                                 json.at("protocol").dump(), kRunProtocolVersion));
    }
    json.get_to(outcome.reply);
  } catch (const nlohmann::json::exception& e) {
    return Failure(RunStatus::kInfra, std::string("garbage from the runner: ") + e.what());
  }
  if (!outcome.reply.error.empty()) {
    // The board is not to answer for what it was given.
    return Failure(outcome.reply.rejected ? RunStatus::kRejected : RunStatus::kInfra,
                   outcome.reply.error);
  }
  if (const absl::Status s = CheckReply(outcome.reply, request); !s.ok()) {
    return Failure(RunStatus::kInfra, std::string(s.message()));
  }
  for (const auto& entries : outcome.reply.candidates) {
    for (const EntryResult& entry : entries) {
      if (entry.kernel_error != kHalideOutOfMemory) continue;
      return Failure(RunStatus::kResource, "the kernel ran out of memory: " + entry.kernel_message);
    }
  }
  outcome.status = RunStatus::kOk;
  return outcome;
}

void VoidIfUnstable(RunOutcome* outcome) {
  const RunReply& reply = outcome->reply;
  if (outcome->status != RunStatus::kOk || !reply.before || !reply.after) return;
  std::string why = WhyUnstable(*reply.before, *reply.after);
  if (why.empty()) return;
  outcome->status = RunStatus::kUnstable;
  outcome->message = std::move(why);
}

}  // namespace halyard
