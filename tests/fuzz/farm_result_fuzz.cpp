// Results as a client takes them from a farm. The input is JSON: the fields of the result, with the
// reply as an object of its own. What is taken for a run must be fit for those who read it.
#include <cmath>

#include "rpc_farm/client/farm_result.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/json_mutation.h"

namespace halyard {
namespace {

using nlohmann::json;

// Two candidates of one and of two entries.
RunRequest Request(RunMode mode) {
  RunRequest request;
  request.mode = mode;
  request.candidates.resize(2);
  request.candidates[0].entries.resize(1);
  request.candidates[1].entries.resize(2);
  return request;
}

std::string Text(const json& root, const char* field) {
  const auto at = root.find(field);
  return at != root.end() && at->is_string() ? at->get<std::string>() : "";
}

farm::v1::RequestResult ResultOf(const std::string& text) {
  farm::v1::RequestResult result;
  result.set_end(farm::v1::RequestResult::DONE);
  farm::v1::JobResult& job = *result.mutable_result();
  job.set_status("ok");
  job.set_board("pi");
  job.set_reply(text);
  const json root = json::parse(text, nullptr, false);
  if (!root.is_object() || !root.contains("reply")) return result;
  job.set_reply(root["reply"].dump(-1, ' ', false, json::error_handler_t::replace));
  job.set_status(Text(root, "status"));
  job.set_message(Text(root, "message"));
  job.set_environment(Text(root, "environment"));
  const auto ruler = root.find("ruler");
  if (ruler != root.end() && ruler->is_number()) job.set_ruler(ruler->get<double>());
  if (ruler != root.end() && ruler->is_string()) job.set_ruler(std::nan(""));
  return result;
}

void CheckRead(const FarmOutcome& read, const RunRequest& request) {
  const RunOutcome& outcome = read.outcome;
  Require(outcome.message.find('\n') == std::string::npos, "one line");
  if (outcome.status != RunStatus::kOk && outcome.status != RunStatus::kUnstable) return;
  Require(outcome.reply.candidates.size() == request.candidates.size(), "a result a candidate");
  for (size_t i = 0; i < request.candidates.size(); ++i) {
    const size_t entries =
        request.mode == RunMode::kInterleave ? 1 : request.candidates[i].entries.size();
    Require(outcome.reply.candidates[i].size() == entries, "a result an entry");
    for (const EntryResult& entry : outcome.reply.candidates[i]) {
      for (const double ns : entry.samples_ns) Require(ns > 0 && ns < 1e17, "a time is a time");
      for (const ParallelRegion& region : entry.regions) {
        Require(region.tasks >= 0 && region.tasks < int64_t{1} << 41, "tasks can be counted");
      }
    }
  }
}

}  // namespace
}  // namespace halyard

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using halyard::BoardKind;
  using halyard::RunMode;
  const auto result = halyard::ResultOf(std::string(reinterpret_cast<const char*>(data), size));
  for (const auto& [mode, kind] : {std::pair{RunMode::kMeasure, BoardKind::kPhysical},
                                   {RunMode::kInterleave, BoardKind::kPhysical},
                                   {RunMode::kCount, BoardKind::kVirtual}}) {
    const halyard::RunRequest request = halyard::Request(mode);
    halyard::CheckRead(ReadFarmResult(result, request, kind), request);
  }
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  return halyard::MutateJson(data, size, most, seed);
}
