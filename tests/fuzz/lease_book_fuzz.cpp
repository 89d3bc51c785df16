// Orders of a tracker to an agent, in any order, some of them nonsense: the book of its leases must
// begin no run on a board that is at one, and keep each result until the tracker has it.
#include <map>
#include <set>

#include "rpc_farm/agent/lease_book.h"
#include "tests/fuzz/fuzz_input.h"

namespace halyard {
namespace {

using farm::v1::Lease;

const std::vector<std::string> kBoards = {"pi", "m7", "nobody's", ""};

std::string KeyOf(const Lease& lease) { return lease.SerializeAsString(); }

class Agent {
 public:
  Agent(const uint8_t* data, size_t size) : input_(data, size) {}

  void Play() {
    while (!input_.empty()) {
      Step();
      Check();
    }
    book_.StopAll();
    for (const auto& [board, run] : running_)
      Require(run.second.stop_requested(), "all is stopped");
    while (!running_.empty()) Finish();
    for (const auto& done : book_.Untaken()) book_.Taken(done.lease());
    Require(book_.settled(), "nothing is owed at the end");
  }

 private:
  Lease AnyLease() {
    Lease lease;
    lease.set_board(input_.Pick(kBoards));
    lease.set_epoch(input_.Below(4));
    lease.set_request(input_.Flip() ? "a" : "b");
    return lease;
  }

  void Step() {
    const Lease lease = AnyLease();
    switch (input_.Below(4)) {
      case 0: {
        const LeaseBook::Verdict verdict = book_.Begin(lease);
        Require(!verdict.start || !verdict.answer, "a run begins or is answered");
        if (!verdict.start) return;
        Require(lease.board() == "pi" || lease.board() == "m7", "a run is on a board that is here");
        Require(running_.emplace(lease.board(), std::pair{lease, *verdict.start}).second,
                "a board is at one run");
        return;
      }
      case 1: {
        const auto answer = book_.Stop(lease);
        const auto at = running_.find(lease.board());
        const bool runs = at != running_.end() && KeyOf(at->second.first) == KeyOf(lease);
        Require(answer.has_value() != runs, "what does not run is answered at once");
        Require(!runs || at->second.second.stop_requested(), "what runs is stopped");
        return;
      }
      case 2:
        if (!running_.empty()) Finish();
        return;
      default:
        book_.Taken(lease);
        owed_.erase(KeyOf(lease));
        return;
    }
  }

  void Finish() {
    const auto at = running_.begin();
    farm::v1::AgentMessage::RunDone done;
    *done.mutable_lease() = at->second.first;
    book_.Finish(done);
    owed_.insert(KeyOf(done.lease()));
    running_.erase(at);
  }

  void Check() {
    std::set<std::string> untaken;
    for (const auto& done : book_.Untaken()) untaken.insert(KeyOf(done.lease()));
    Require(untaken == owed_, "a result is kept until it is taken");
    Require(book_.Open().size() == running_.size() + owed_.size(), "Hello tells all that is open");
    Require(book_.settled() == (running_.empty() && owed_.empty()), "settled is when nothing is");
  }

  FuzzInput input_;
  LeaseBook book_{{"pi", "m7"}};
  std::map<std::string, std::pair<Lease, std::stop_token>> running_;  // by board
  std::set<std::string> owed_;
};

}  // namespace
}  // namespace halyard

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  halyard::Agent(data, size).Play();
  return 0;
}
