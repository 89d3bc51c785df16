// Candidates that crash, do not end, take what is not theirs or lie, at real boards of the farm in
// their sandboxes: each ends as it has to, whatever befalls the farm meanwhile.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "rpc_farm/client/farm_executor.h"
#include "tests/conformance/scratch_folder.h"

namespace halyard {

// Of a kernel that copies its input, asked for as ShortRun has it.
bool IsRightCopy(const RunRequest& request, const EntryResult& result);

class BadCandidates {
 public:
  // Builds them for this machine.
  BadCandidates();

  // Runs one after another, each drawn by `seed`, until `stop`. On any thread.
  void Run(const std::shared_ptr<FarmClient>& client, uint64_t seed, const std::atomic<bool>& stop);

  // How often one did not end as it has to; and each kind's runs, for a person.
  int64_t taken_for_good() const;
  std::string Told() const;

 private:
  struct Kind {
    std::string name, body;
    std::vector<RunStatus> ends;  // as it may; kOk: with an answer that is wrong to see
    bool good = false;            // must be right where it ends with kOk
  };
  struct Figures {
    int64_t as_it_has_to = 0, lost = 0, otherwise = 0;
  };
  void Count(const Kind& kind, const RunOutcome& outcome);

  const Device device_ = LoadDevice("host").value();
  const ScratchFolder folder_;
  std::vector<Kind> kinds_;
  mutable std::mutex mutex_;  // of the next two
  std::map<std::string, Figures> figures_;
  std::string last_otherwise_;
};

}  // namespace halyard
