// Two agents that want one board name, in whatever order their words come: one has it, the other is
// told so, and only the one's word counts.
#include <algorithm>
#include <random>

#include "tests/unit/rpc_farm/tracker/whole_tracker.h"

namespace halyard {
namespace {

constexpr int kRaces = 1'000;

class ClaimedBoard : public WholeTracker {
 protected:
  struct Claimant {
    std::string agent;
    SessionId session = kNoSession;
    std::string refused;  // the verdict on its board
    std::vector<farm::v1::Lease> leases;
  };

  void Hello(Claimant& claimant, SessionId session, const std::string& board) {
    AgentMessage::Hello hello;
    hello.set_protocol(kFarmProtocolVersion);
    auto* offer = hello.add_boards();
    offer->set_name(board);
    offer->set_device("rpi4");
    offer->set_kind("physical");
    claimant.session = session;
    ASSERT_TRUE(tracker_->Connect(session, claimant.agent, hello, now_).ok());
  }
  void Deliver(std::vector<Claimant>& claimants) {
    for (const auto& [session, message] : Settle().to_agents) {
      for (Claimant& c : claimants) {
        if (c.session != session) continue;
        if (message.has_welcome()) c.refused = message.welcome().boards(0).refused();
        if (message.has_run()) c.leases.push_back(message.run().lease());
      }
    }
  }
};

TEST_F(ClaimedBoard, OneAgentHasItWhateverTheOrder) {
  std::mt19937 random{1};
  const std::string client = Open();
  SessionId session = 0;
  int first_won = 0;
  for (int race = 1; race <= kRaces; ++race) {
    SCOPED_TRACE(race);
    const std::string board = "pi-" + std::to_string(race);
    std::vector<Claimant> claimants(2);
    claimants[0].agent = "left";
    claimants[1].agent = "right";
    ASSERT_TRUE(Submit(client, static_cast<uint64_t>(race)).ok());
    // Hellos, settling between them or not, heartbeats, and one that dials twice, in any order.
    std::vector<int> steps = {0, 1, 0, 1, 2, 3, 4};
    std::shuffle(steps.begin(), steps.end(), random);
    for (const int step : steps) {
      if (step < 2) {
        Hello(claimants[static_cast<size_t>(step)], ++session, board);
      } else if (step < 4) {
        Claimant& c = claimants[static_cast<size_t>(step - 2)];
        if (c.session != kNoSession) tracker_->Receive(c.session, AgentMessage{}, now_);
      }
      if (random() % 2 == 0) Deliver(claimants);
    }
    Deliver(claimants);

    const bool left_has_it = claimants[0].refused.empty();
    first_won += left_has_it;
    const Claimant &owner = claimants[left_has_it ? 0 : 1], &other = claimants[left_has_it ? 1 : 0];
    EXPECT_EQ(owner.refused, "");
    EXPECT_EQ(other.refused, "board " + board + " is held by agent " + owner.agent);
    EXPECT_TRUE(other.leases.empty());
    ASSERT_FALSE(owner.leases.empty());
    const farm::v1::Lease lease = owner.leases.back();
    // The other's word of the run is not taken.
    tracker_->Receive(other.session, Done(lease), now_);
    (void)Settle();
    EXPECT_EQ(tracker_->figures().done, static_cast<uint64_t>(race - 1));
    tracker_->Receive(owner.session, Done(lease), now_);
    (void)Settle();
    EXPECT_EQ(tracker_->figures().done, static_cast<uint64_t>(race));
    tracker_->Disconnect(claimants[0].session);
    tracker_->Disconnect(claimants[1].session);
    (void)Settle();
  }
  EXPECT_GT(first_won, kRaces / 4) << "both have won some";
  EXPECT_LT(first_won, kRaces * 3 / 4);
}

// A board that was moved to another agent's machine while the first still held it.
TEST_F(ClaimedBoard, WhoWasRefusedIsToSayHelloAgainWhenTheHolderIsLost) {
  std::vector<Claimant> claimants(2);
  claimants[0].agent = "left";
  claimants[1].agent = "right";
  Hello(claimants[0], 1, "pi");
  Hello(claimants[1], 2, "pi");
  Deliver(claimants);
  ASSERT_EQ(claimants[1].refused, "board pi is held by agent left");
  const auto beats = [&](SessionId session) {
    Wait(10'000);
    tracker_->Receive(session, AgentMessage{}, now_);
    return Settle().hang_ups;
  };
  for (int i = 0; i < 10; ++i) {
    tracker_->Receive(1, AgentMessage{}, now_);
    EXPECT_TRUE(beats(2).empty()) << "its holder lives";
  }
  tracker_->Disconnect(1);
  EXPECT_TRUE(beats(2).empty()) << "its holder may come back";
  const auto told = beats(2);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].session, 2u);
  EXPECT_EQ(told[0].why, "board pi can be had now: say Hello again");
  Hello(claimants[1], 3, "pi");
  Deliver(claimants);
  EXPECT_EQ(claimants[1].refused, "");
  EXPECT_TRUE(beats(3).empty()) << "once";
}

}  // namespace
}  // namespace halyard
