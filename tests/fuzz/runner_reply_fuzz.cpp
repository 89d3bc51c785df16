// What comes back from a board's runner and from the plugins that count: JSON of a reply, a report
// of kernels, lines of words and numbers.
#include <cmath>

#include "rpc_farm/plugin_report.h"
#include "rpc_farm/runner_outcome.h"
#include "rpc_farm/thumb_report.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/json_mutation.h"

namespace halyard {
namespace {

RunRequest Request() {
  RunRequest request;
  request.candidates.resize(1);
  request.candidates[0].entries.resize(2);
  return request;
}

void ReadReply(const std::string& text) {
  const RunRequest request = Request();
  ChildResult child;
  child.started = true;
  child.out = text;
  RunOutcome outcome = OutcomeOfRunner(child, request);
  Require(outcome.message.find('\n') == std::string::npos, "one line");
  if (outcome.status != RunStatus::kOk) return;
  Require(outcome.reply.candidates.size() == 1 && outcome.reply.candidates[0].size() == 2,
          "a reply has the request's shape");
  VoidIfUnstable(&outcome);
  // Numbers that travel as text arrive as they were.
  const nlohmann::json json = outcome.reply;
  Require(nlohmann::json(json.get<RunReply>()) == json, "a reply survives the way");
}

void ReadReport(const std::string& text) {
  RunReply reply;
  reply.candidates.resize(1);
  reply.candidates[0].resize(2);
  (void)AddPluginReport(text, &reply);
  (void)LastThumbCount(text);
}

void ReadRequest(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  try {
    const auto request = json.get<RunRequest>();
    const nlohmann::json again = request;
    Require(nlohmann::json(again.get<RunRequest>()) == again, "a request survives the way");
  } catch (const nlohmann::json::exception&) {
    return;  // refused
  }
}

}  // namespace
}  // namespace halyard

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  halyard::ReadReply(text);
  halyard::ReadReport(text);
  halyard::ReadRequest(text);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  return halyard::MutateJson(data, size, most, seed);
}
