// What an agent lets a client ask of a board. A job comes from the network: it is read strictly,
// and what is malformed or absurd is refused before a board sees it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "rpc_farm/executor.h"

namespace halyard {

namespace farm::v1 {
class Job;
}  // namespace farm::v1

struct CheckedJob {
  RunRequest request;                         // artifact_path is the digest
  std::map<std::string, uint64_t> artifacts;  // digests that the request names, and sizes
  std::chrono::milliseconds deadline{0};
};

inline constexpr std::chrono::milliseconds kLongestDeadline{24 * 3600 * 1000};

// InvalidArgument: the job is refused, which is its own fault (RunStatus::kRejected); names the
// field. FailedPrecondition: it is of another version of the protocol with boards, which an agent
// of that version takes.
absl::StatusOr<CheckedJob> CheckJob(const farm::v1::Job& job, const Device& device);

// SHA-256 of 32 bytes as 64 hexadecimal digits.
std::string DigestText(const std::string& sha256);
// The reverse. REQUIRES: DigestText gave it.
std::string DigestBytes(const std::string& text);

}  // namespace halyard
