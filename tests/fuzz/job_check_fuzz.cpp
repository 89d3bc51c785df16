// Jobs as an agent takes them from a tracker. The input is JSON: the job's fields, with the run
// request as an object of its own.
#include <algorithm>
#include <limits>

#include "absl/strings/escaping.h"
#include "farm.pb.h"
#include "rpc_farm/agent/job_check.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/json_mutation.h"

namespace halyard {
namespace {

using nlohmann::json;

constexpr int64_t kMemoryBytes = int64_t{4} << 30;

uint64_t Number(const json& value) { return value.is_number_integer() ? value.get<uint64_t>() : 0; }

farm::v1::Job JobOf(const std::string& text) {
  farm::v1::Job job;
  job.set_deadline_ms(1000);
  job.set_run_request(text);
  const json root = json::parse(text, nullptr, false);
  if (!root.is_object() || !root.contains("run_request")) return job;
  job.set_run_request(root["run_request"].dump(-1, ' ', false, json::error_handler_t::replace));
  job.set_deadline_ms(Number(root.value("deadline_ms", json())));
  for (const json& one : root.value("artifacts", json::array())) {
    auto* artifact = job.add_artifacts();
    const bool is_pair = one.is_array() && one.size() == 2;
    if (is_pair && one[0].is_string()) {
      artifact->set_sha256(absl::HexStringToBytes(
          std::string(64, 'a').replace(0, std::min<size_t>(64, one[0].get<std::string>().size()),
                                       one[0].get<std::string>().substr(0, 64))));
    }
    if (is_pair) artifact->set_size(Number(one[1]));
  }
  return job;
}

void CheckTaken(const CheckedJob& job, const farm::v1::Job& asked) {
  Require(job.deadline.count() > 0 && job.deadline <= kLongestDeadline, "a run has a deadline");
  for (const CandidateSpec& candidate : job.request.candidates) {
    const auto artifact = job.artifacts.find(candidate.artifact_path);
    Require(artifact != job.artifacts.end(), "a path is the digest of an artifact");
    Require(artifact->second <= static_cast<uint64_t>(kMostArtifactBytes), "artifacts are small");
    for (const EntrySpec& entry : candidate.entries) {
      Require(entry.symbol.find_first_of(" /;$`'\"\n") == std::string::npos, "a symbol is a name");
      int64_t elements = entry.output.elements();
      for (const BufferSpec& input : entry.inputs) elements += input.elements();
      Require(elements > 0 && elements <= kMemoryBytes / 4, "buffers fit the board");
      for (const int64_t point : entry.probe_points) {
        Require(point >= 0 && point < entry.output.elements(), "a probe point is of the output");
      }
    }
  }
  farm::v1::Job again = asked;
  again.set_run_request(json(job.request).dump());
  Device device;
  device.memory_bytes = kMemoryBytes;
  const auto second = CheckJob(again, device);
  Require(second.ok() && json(second->request) == json(job.request),
          "what is taken is what is run");
}

}  // namespace
}  // namespace halyard

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const halyard::farm::v1::Job job =
      halyard::JobOf(std::string(reinterpret_cast<const char*>(data), size));
  halyard::Device device;
  device.memory_bytes = halyard::kMemoryBytes;
  if (const auto checked = CheckJob(job, device); checked.ok()) {
    halyard::CheckTaken(*checked, job);
  } else {
    halyard::Require(checked.status().message().find('\n') == std::string::npos, "one line");
  }
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  return halyard::MutateJson(data, size, most, seed);
}
