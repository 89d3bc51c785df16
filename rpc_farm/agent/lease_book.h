// What an agent owes the tracker: leases that it works on, and results that the tracker has not
// said it has. Nothing is forgotten by a lost connection, and nothing is run twice.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "farm.pb.h"

namespace halyard {

// Thread-safe.
class LeaseBook {
 public:
  explicit LeaseBook(std::set<std::string> boards) : boards_(std::move(boards)) {}

  // What is to be done about an order to run.
  struct Verdict {
    std::optional<std::stop_token> start;                   // run it; the token is its Stop
    std::optional<farm::v1::AgentMessage::RunDone> answer;  // else, if there is one, say this
  };
  // An order for a lease that runs is a repeat, and nothing is to be done; where it has ended, the
  // result is told again. One that cannot be begun (another runs on the board, the board is not
  // here, it is a replay of one that was taken) is a loss.
  Verdict Begin(const farm::v1::Lease& lease);

  // The run has ended: kept until it is taken.
  void Finish(const farm::v1::AgentMessage::RunDone& done);

  // The lease has ended. What runs under it is stopped, and Finish() follows; else the answer:
  // the result, or that nothing runs under it.
  std::optional<farm::v1::AgentMessage::RunDone> Stop(const farm::v1::Lease& lease);
  void StopAll();  // and let nothing begin any more

  void Taken(const farm::v1::Lease& lease);

  // Both kinds, for Hello.
  std::vector<farm::v1::Lease> Open() const;
  std::vector<farm::v1::AgentMessage::RunDone> Untaken() const;
  bool settled() const;  // nothing runs, everything was taken

 private:
  struct Running {
    farm::v1::Lease lease;
    std::stop_source stop;
  };
  static std::string KeyOf(const farm::v1::Lease& lease);

  const std::set<std::string> boards_;
  mutable std::mutex mutex_;
  bool leaving_ = false;
  std::map<std::string, Running> running_;                       // by board
  std::map<std::string, farm::v1::AgentMessage::RunDone> done_;  // by lease
  std::map<std::string, std::string> taken_;  // board to the lease that was taken last
};

// The end of a run that was lost.
farm::v1::AgentMessage::RunDone Loss(const farm::v1::Lease& lease, const std::string& why);

}  // namespace halyard
