#include "rpc_farm/agent/job_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <vector>

#include "absl/strings/escaping.h"
#include "farm.pb.h"
#include "rpc_farm/runner_outcome.h"
#include "targets/json_integer.h"

namespace halyard {
namespace {

// Far above what a search asks for and far below what would harm an agent or a board's runner.
constexpr size_t kMostCandidates = 1024, kMostEntries = 64, kMostInputs = 16;
constexpr size_t kMostProbePoints = 100'000, kMostRank = 16, kLongestSymbol = 256;
constexpr int kMostThreads = 1024, kMostRounds = 1'000'000, kMostSamples = 100'000;
constexpr int64_t kLongestSampleNs = int64_t{3'600'000'000'000};

absl::Status Refused(const std::string& what) { return absl::InvalidArgumentError(what); }

// As a name of a C function: it goes into linker commands and into the board's symbol lookup.
bool IsSymbol(const std::string& text) {
  const auto good = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !text.empty() && text.size() <= kLongestSymbol &&
         std::all_of(text.begin(), text.end(), good);
}

absl::Status CheckTiming(const RunRequest& r) {
  const TimingPolicy& t = r.timing;
  if (r.threads < 1 || r.threads > kMostThreads) {
    return Refused(fmt::format("threads: {}, 1 to {} can be", r.threads, kMostThreads));
  }
  if (r.rounds < 1 || r.rounds > kMostRounds) {
    return Refused(fmt::format("rounds: {}, 1 to {} can be", r.rounds, kMostRounds));
  }
  if (t.samples < 1 || t.samples > kMostSamples || t.warmup_runs < 0 ||
      t.warmup_runs > kMostSamples) {
    return Refused(fmt::format("timing: {} samples after {} warm-up runs; {} of each can be",
                               t.samples, t.warmup_runs, kMostSamples));
  }
  if (t.min_sample_ns < 0 || t.min_sample_ns > kLongestSampleNs || t.cap_ns < 0 ||
      t.cap_ns > kLongestSampleNs) {
    return Refused("timing: a sample or cap below nothing or beyond an hour");
  }
  if (!std::isfinite(t.give_up_factor) || !std::isfinite(t.incumbent_ns)) {
    return Refused("timing: give_up_factor and incumbent_ns must be numbers");
  }
  return absl::OkStatus();
}

// What an entry says of places in its output and among its inputs.
absl::Status CheckPlaces(const EntrySpec& entry) {
  const int64_t elements = entry.output.elements();
  int64_t canonical = 1;
  for (int64_t extent : entry.canonical_output) {
    if (extent < 1 || extent > elements / canonical) return Refused("a canonical_output too large");
    canonical *= extent;
  }
  if (canonical != elements || entry.canonical_output.size() > kMostRank) {
    return Refused(
        fmt::format("canonical_output is of {} elements, output of {}", canonical, elements));
  }
  for (int64_t point : entry.probe_points) {
    if (point < 0 || point >= elements) {
      return Refused(fmt::format("probe point {} of {} elements", point, elements));
    }
  }
  const auto inputs = static_cast<int>(entry.inputs.size());
  if (entry.prepare && (entry.prepare->input < 0 || entry.prepare->input >= inputs)) {
    return Refused(fmt::format("input {} is prepared, there are {}", entry.prepare->input, inputs));
  }
  return absl::OkStatus();
}

absl::Status CheckEntry(const EntrySpec& entry, int64_t memory_bytes) {
  if (!IsSymbol(entry.symbol) || (entry.prepare && !IsSymbol(entry.prepare->symbol))) {
    return Refused("a symbol that is no C function's name");
  }
  if (entry.inputs.size() > kMostInputs) {
    return Refused(fmt::format("{} inputs, {} can be", entry.inputs.size(), kMostInputs));
  }
  if (entry.probe_points.size() > kMostProbePoints) {
    return Refused(
        fmt::format("{} probe points, {} can be", entry.probe_points.size(), kMostProbePoints));
  }
  std::vector<BufferSpec> buffers = entry.inputs;
  buffers.push_back(entry.output);
  if (entry.prepare) buffers.push_back(entry.prepare->packed);
  // No sum can overflow: a buffer has at most 2^40 elements, as it was parsed.
  int64_t elements = 0;
  for (const BufferSpec& buffer : buffers) {
    if (buffer.extents.size() > kMostRank) return Refused("a buffer of too many dimensions");
    elements += buffer.elements();
  }
  if (elements > memory_bytes / 4) {
    return Refused(fmt::format("buffers of {} elements, the board has {} bytes of memory", elements,
                               memory_bytes));
  }
  return CheckPlaces(entry);
}

absl::StatusOr<std::map<std::string, uint64_t>> ReadArtifacts(const farm::v1::Job& job) {
  std::map<std::string, uint64_t> artifacts;
  for (const auto& artifact : job.artifacts()) {
    if (artifact.sha256().size() != 32) return Refused("artifacts: a SHA-256 is of 32 bytes");
    if (artifact.size() < 1 || artifact.size() > static_cast<uint64_t>(kMostArtifactBytes)) {
      return Refused(fmt::format("artifacts: one of {} bytes, 1 to {} can be", artifact.size(),
                                 kMostArtifactBytes));
    }
    artifacts[DigestText(artifact.sha256())] = artifact.size();
  }
  return artifacts;
}

}  // namespace

std::string DigestText(const std::string& sha256) { return absl::BytesToHexString(sha256); }

std::string DigestBytes(const std::string& text) { return absl::HexStringToBytes(text); }

absl::StatusOr<CheckedJob> CheckJob(const farm::v1::Job& job, const Device& device) {
  CheckedJob checked;
  if (job.deadline_ms() < 1 ||
      job.deadline_ms() > static_cast<uint64_t>(kLongestDeadline.count())) {
    return Refused(fmt::format("deadline_ms: {}, 1 to {} can be", job.deadline_ms(),
                               kLongestDeadline.count()));
  }
  checked.deadline = std::chrono::milliseconds(job.deadline_ms());
  const auto brought = ReadArtifacts(job);
  if (!brought.ok()) return brought.status();
  try {
    const auto json = nlohmann::json::parse(job.run_request());
    if (const int protocol = IntegerOf<int>(json.at("protocol")); protocol != kRunProtocolVersion) {
      return absl::FailedPreconditionError(
          fmt::format("the job is of run protocol {}, this agent speaks {}: let both be of one "
                      "version of Halyard",
                      protocol, kRunProtocolVersion));
    }
    json.get_to(checked.request);
  } catch (const nlohmann::json::exception& e) {
    return Refused("run_request: " + OneLine(e.what()));
  }
  const RunRequest& request = checked.request;
  if (absl::Status s = CheckTiming(request); !s.ok()) return s;
  if (request.candidates.size() > kMostCandidates ||
      (request.candidates.empty() && request.mode != RunMode::kPeak)) {
    return Refused(fmt::format("candidates: {} of them, 1 to {} can be", request.candidates.size(),
                               kMostCandidates));
  }
  for (const CandidateSpec& candidate : request.candidates) {
    const auto found = brought->find(candidate.artifact_path);
    if (found == brought->end()) {
      return Refused(
          OneLine(fmt::format("artifact_path: '{}' is the digest of no artifact of the job",
                              candidate.artifact_path.substr(0, 80))));
    }
    checked.artifacts.insert(*found);
    if (candidate.entries.empty() || candidate.entries.size() > kMostEntries) {
      return Refused(fmt::format("entries: {} of a candidate, 1 to {} can be",
                                 candidate.entries.size(), kMostEntries));
    }
    for (const EntrySpec& entry : candidate.entries) {
      if (absl::Status s = CheckEntry(entry, device.memory_bytes); !s.ok()) return s;
    }
  }
  return checked;
}

}  // namespace halyard
