// What of the tracker outlives it: requests, leases' epochs, clients' sessions, quarantines and
// rulers, in one SQLite file. The format is this file's: see kTrackerStateVersion.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "rpc_farm/tracker/scheduler.h"

namespace halyard {

// A newer file is refused; there is no older one yet.
inline constexpr int kTrackerStateVersion = 1;

// A client's session. Numbers at most `floor`, and those in `acknowledged`, are done with: one that
// comes again is a replay.
struct StoredSession {
  std::string id;
  std::string user;
  std::string label;
  uint64_t floor = 0;
  std::set<uint64_t> acknowledged;
};

struct StoredFarm {
  FarmMemory farm;
  std::vector<StoredSession> sessions;
  std::map<std::string, double> rulers;  // device -> canary time of its ruler
};

// Writes go into one transaction, which Commit ends; a failed one is reported by Commit and leaves
// what was committed before. Not thread-safe.
class TrackerStore {
 public:
  // Makes the file where there is none; an empty name: in memory. Holds it against a second
  // tracker. Unavailable: another has it. InvalidArgument: no such file of ours, or a newer one's.
  static absl::StatusOr<std::unique_ptr<TrackerStore>> Open(const std::string& file);
  virtual ~TrackerStore() = default;

  virtual absl::StatusOr<StoredFarm> Load() = 0;

  virtual void PutSession(const StoredSession& session) = 0;
  virtual void EraseSession(const std::string& id) = 0;
  // The request as it now is; `epoch`: of its lease, where it runs.
  virtual void PutRequest(const FarmMemory::Request& request) = 0;
  virtual void EraseRequest(const std::string& id) = 0;
  virtual void PutBoard(const std::string& name, const FarmMemory::Board& board) = 0;
  virtual void PutRuler(const std::string& device, double canary) = 0;

  // When it returns, what was put survives a crash of the machine. ResourceExhausted: disk full.
  virtual absl::Status Commit() = 0;
};

}  // namespace halyard
