#include "rpc_farm/runner_outcome.h"

#include <fmt/format.h>
#include <signal.h>
#include <string.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "targets/board_runner/symbol_table.h"

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

bool RightShape(const RunReply& reply, const RunRequest& request) {
  if (request.mode == RunMode::kPeak) return true;
  if (reply.candidates.size() != request.candidates.size()) return false;
  for (size_t i = 0; i < reply.candidates.size(); ++i) {
    const size_t expected =
        request.mode == RunMode::kInterleave ? 1 : request.candidates[i].entries.size();
    if (reply.candidates[i].size() != expected) return false;
  }
  return true;
}

}  // namespace

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
    if (json.at("protocol").get<int>() != kRunProtocolVersion) {
      return Failure(RunStatus::kInfra,
                     fmt::format("the runner speaks protocol {}, this is {}",
                                 json.at("protocol").dump(), kRunProtocolVersion));
    }
    json.get_to(outcome.reply);
  } catch (const nlohmann::json::exception& e) {
    return Failure(RunStatus::kInfra, std::string("garbage from the runner: ") + e.what());
  }
  if (!outcome.reply.error.empty()) return Failure(RunStatus::kInfra, outcome.reply.error);
  if (!RightShape(outcome.reply, request)) {
    return Failure(RunStatus::kInfra, "the reply does not match the request");
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
