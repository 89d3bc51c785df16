// Whatever happens in whatever order: no board is leased twice, every request ends exactly once, an
// accepted end stays, a late one is refused, epochs only rise.
#include <map>
#include <random>

#include "tests/unit/rpc_farm/tracker/tracker_rig.h"

namespace halyard {
namespace {

class SchedulerProperty : public TrackerRig {
 protected:
  struct Agent {
    SessionId session = kNoSession;
    std::vector<Lease> running;  // as the agent knows
    bool frozen = false;         // neither heartbeats nor results
  };

  void Carry(const Orders& orders) {
    for (const FarmOrder& o : orders) {
      if (o.kind == FarmOrder::Kind::kEnded) {
        EXPECT_EQ(++ends_[o.lease.request], 1) << o.lease.request << " ended twice";
        continue;
      }
      if (o.kind == FarmOrder::Kind::kRun) {
        EXPECT_GT(o.lease.epoch, epochs_[o.lease.board]);
        epochs_[o.lease.board] = o.lease.epoch;
      }
      Agent* agent = Find(o.session);
      if (agent == nullptr) continue;  // the order is lost with its connection
      if (o.kind == FarmOrder::Kind::kRun) {
        for (const Lease& l : agent->running) {
          EXPECT_NE(l.board, o.lease.board) << "the board works on another run";
        }
        agent->running.push_back(o.lease);
      } else if (o.kind == FarmOrder::Kind::kStop) {
        stops_.push_back({o.session, o.lease});
      } else {
        scheduler_.RemedyDone(o.session, o.lease.board, rng_() % 4 != 0, now_);
      }
    }
  }
  Agent* Find(SessionId session) {
    for (Agent& a : agents_) {
      if (session != kNoSession && a.session == session) return &a;
    }
    return nullptr;
  }
  // The agent is done with a lease and says so.
  void Report(Agent& agent, const Lease lease) {
    std::erase_if(agent.running,
                  [&](const Lease& l) { return l.epoch == lease.epoch && l.board == lease.board; });
    const RunEnd end = rng_() % 5 == 0 ? RunEnd::kInfraLoss : RunEnd::kDone;
    const bool accepted = Finish(agent.session, lease, end).ok();
    if (accepted && end == RunEnd::kDone) {
      EXPECT_EQ(lease.epoch, epochs_[lease.board]) << "a late end was accepted";
      EXPECT_TRUE(done_.insert(lease.request).second) << lease.request << " was done twice";
    }
  }
  void Step() {
    const size_t i = rng_() % agents_.size();
    Agent& agent = agents_[i];
    const std::string name = "agent" + std::to_string(i);
    switch (rng_() % 10) {
      case 0:
        if (submitted_ < kRequests) {
          Add("r" + std::to_string(submitted_++), "user" + std::to_string(rng_() % 3),
              static_cast<int>(rng_() % 2));
        }
        break;
      case 1:  // comes back, or comes for the first time; killed before, it knows of no run
        if (rng_() % 2 == 0) agent.running.clear();
        agent.session = ++sessions_;
        Connect(agent.session, name,
                {"board" + std::to_string(2 * i), "board" + std::to_string(2 * i + 1)},
                agent.running);
        break;
      case 2:
        if (rng_() % 4 == 0) scheduler_.Disconnect(std::exchange(agent.session, kNoSession));
        break;
      case 3:
        agent.frozen = rng_() % 4 == 0;
        break;
      case 4:  // a stop that arrives
        if (!stops_.empty()) {
          const auto [session, lease] = stops_.front();
          stops_.erase(stops_.begin());
          if (Agent* a = Find(session); a != nullptr && !a->frozen) Report(*a, lease);
        }
        break;
      case 5:
        if (submitted_ > 0 && rng_() % 8 == 0) {
          EXPECT_TRUE(
              scheduler_
                  .Cancel("r" + std::to_string(rng_() % static_cast<unsigned>(submitted_)), now_)
                  .ok());
        }
        break;
      default:
        if (!agent.running.empty() && !agent.frozen && agent.session != kNoSession) {
          Report(agent, agent.running[rng_() % agent.running.size()]);
        }
    }
    Wait(static_cast<int64_t>(rng_() % 3000));
    for (Agent& a : agents_) {
      if (!a.frozen && a.session != kNoSession) Beat(a.session);
    }
    Carry(Advance());
    CheckLeases();
  }
  void CheckLeases() {
    std::map<std::string, int> boards_of;
    for (const BoardStatus& b : scheduler_.Boards()) {
      if (!b.lease) continue;
      EXPECT_EQ(++boards_of[b.lease->request], 1) << "one request on two boards";
      EXPECT_EQ(StateOf(b.lease->request), RequestState::kRunning);
      EXPECT_EQ(b.lease->epoch, b.epoch);
    }
  }

  static constexpr int kRequests = 60;
  std::mt19937 rng_;
  std::vector<Agent> agents_{3};
  SessionId sessions_ = 0;
  int submitted_ = 0;
  std::map<std::string, int> ends_;
  std::map<std::string, uint64_t> epochs_;
  std::set<std::string> done_;
  std::vector<std::pair<SessionId, Lease>> stops_;
};

class SchedulerSeeds : public SchedulerProperty, public testing::WithParamInterface<int> {};

TEST_P(SchedulerSeeds, EveryRequestEndsExactlyOnce) {
  rng_.seed(static_cast<unsigned>(GetParam()));
  for (int i = 0; i < 2000; i++) Step();
  // The storm is over: every agent is back, awake, and answers at once.
  for (size_t i = 0; i < agents_.size(); i++) {
    agents_[i].frozen = false;
    agents_[i].running.clear();
    agents_[i].session = ++sessions_;
    Connect(agents_[i].session, "agent" + std::to_string(i),
            {"board" + std::to_string(2 * i), "board" + std::to_string(2 * i + 1)});
  }
  while (submitted_ < kRequests) Add("r" + std::to_string(submitted_++));
  for (int i = 0; i < 20'000 && ends_.size() < kRequests; i++) {
    Wait(1000);
    for (Agent& a : agents_) {
      Beat(a.session);
      while (!a.running.empty()) Report(a, a.running.front());
    }
    stops_.clear();
    Carry(Advance());
  }
  EXPECT_EQ(ends_.size(), static_cast<size_t>(kRequests));
  for (const std::string& id : done_) EXPECT_EQ(StateOf(id), RequestState::kDone);
}

INSTANTIATE_TEST_SUITE_P(Storms, SchedulerSeeds, testing::Range(0, 100));

}  // namespace
}  // namespace halyard
