// Recorded spaces: the outcome of every valid config of a part of a schedule space, in one small
// file, so that search strategies can be compared without a board. logs/FORMAT.md describes the
// file.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "logs/record.h"
#include "schedules/restricted_space.h"
#include "schedules/task.h"

namespace halyard {

inline constexpr int kOldestRecordedSpaceVersion = 1;
inline constexpr int kRecordedSpaceVersion = 1;

struct RecordedResult {
  Outcome outcome = Outcome::kOk;
  float value = 0;  // in the space's unit, smaller is better; 0 where the outcome is not ok
  bool operator==(const RecordedResult&) const = default;
};

// What a file holds.
struct RecordedSpace {
  std::string workload;  // canonical text
  Device device;         // as it was then
  std::string unit;      // "ns" | "virtual_cycles"
  int space_version = 1;
  std::vector<KnobSubset> knobs;  // every knob of the space and the values it kept, in order
  int protocol = 0;               // of the timing, as in a Record
  std::string compiler;
  std::string environment;
  std::string provenance;  // when and how it was recorded
  // CRC-32 of the valid configs' indices, each 8 bytes, lowest first: tells whether the code still
  // calls the same configs valid.
  uint32_t valid_crc32 = 0;
  std::vector<RecordedResult> results;  // of each valid config, by rising index
};

// A recorded space as a task that this program can search. Immutable, so safe to share.
struct RecordedTask {
  std::string name;  // the file it came from, without folder and extension
  Task task;
  std::string unit;
  std::vector<uint64_t> valid;          // indices, rising
  std::vector<RecordedResult> results;  // of each of them
  double best = 0, worst = 0;           // values of ok configs

  // REQUIRES: config is valid.
  const RecordedResult& at(const Config& config) const;
};

uint32_t Crc32OfIndices(const std::vector<uint64_t>& indices);

std::string SerializeRecordedSpace(const RecordedSpace& space);
// InvalidArgument: not a recorded space, of another version, damaged or cut short. `name` is what
// messages call it.
absl::StatusOr<RecordedSpace> ParseRecordedSpace(const std::string& bytes, const std::string& name);

// All or none: written beside `path` and renamed. Unavailable: cannot be written.
absl::Status WriteRecordedSpace(const RecordedSpace& space, const std::string& path);
// Also NotFound: no such file.
absl::StatusOr<RecordedSpace> ReadRecordedSpace(const std::string& path);

// InvalidArgument where the file does not belong to this program's space any more: another version,
// other knobs, other valid configs; or where no config of it is ok.
absl::StatusOr<RecordedTask> BindRecordedSpace(const RecordedSpace& space, const std::string& path);

}  // namespace halyard
