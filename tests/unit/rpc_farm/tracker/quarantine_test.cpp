// Boards that fail again and again: quarantine, remedies, proofs, rests.
#include "rpc_farm/tracker/scheduler.h"
#include "tests/unit/rpc_farm/tracker/tracker_rig.h"

namespace halyard {
namespace {

using Kind = FarmOrder::Kind;

class QuarantineTest : public TrackerRig {
 protected:
  // The board of session 1 loses so many runs.
  void Fail(int runs) {
    for (int i = 0; i < runs; i++) {
      const std::string id = "fails" + std::to_string(i);
      Add(id);
      EXPECT_TRUE(Finish(1, Runs().at(0), RunEnd::kInfraLoss).ok());
      EXPECT_TRUE(scheduler_.Cancel(id, now_).ok());
    }
  }
};

TEST_F(QuarantineTest, ThreeFailuresQuarantineABoardUntilItHasProvedItselfThreeTimes) {
  Connect(1, "a", {"pi"});
  for (int i = 0; i < 3; i++) {
    Add("r" + std::to_string(i));
    EXPECT_TRUE(Finish(1, Runs().at(0), RunEnd::kInfraLoss).ok());
    EXPECT_TRUE(scheduler_.Cancel("r" + std::to_string(i), now_).ok());
  }
  Add("waits");
  std::vector<Remedy> remedies;
  // The reset does not help, the power cycle does.
  for (const bool good : {true, false, true, true, true, true}) {
    const Orders orders = Of(Kind::kRemedy, Advance());
    ASSERT_EQ(orders.size(), 1u);
    EXPECT_TRUE(Advance().empty()) << "asked once";
    remedies.push_back(orders[0].remedy);
    EXPECT_EQ(StateOf("waits"), RequestState::kQueued);
    scheduler_.RemedyDone(1, "pi", good, now_);
  }
  EXPECT_EQ(remedies, (std::vector{Remedy::kReset, Remedy::kProve, Remedy::kPowerCycle,
                                   Remedy::kProve, Remedy::kProve, Remedy::kProve}));
  EXPECT_EQ(Runs().size(), 1u);
}

TEST_F(QuarantineTest, FailuresLongAgoDoNotCount) {
  Connect(1, "a", {"pi"});
  for (int i = 0; i < 6; i++) {
    const std::string id = "r" + std::to_string(i);
    Add(id);
    EXPECT_TRUE(Finish(1, Runs().at(0), RunEnd::kInfraLoss).ok());
    EXPECT_TRUE(scheduler_.Cancel(id, now_).ok());
    Wait(301'000);
    Beat(1);
    Advance();
    Beat(1);
  }
  EXPECT_EQ(scheduler_.Boards()[0].health, "ready");
}

TEST_F(QuarantineTest, ABoardNothingMendsRestsLongerAndLonger) {
  Connect(1, "a", {"pi"});
  ASSERT_TRUE(scheduler_.Quarantine("pi", "smells of smoke", now_).ok());
  EXPECT_TRUE(Advance().empty()) << "an operator's quarantine ends with an operator's release";
  EXPECT_EQ(scheduler_.Boards()[0].health, "quarantined: smells of smoke");
  ASSERT_TRUE(scheduler_.Release("pi").ok());
  std::vector<FarmTime> proofs;
  for (int i = 0; i < 8; i++) {
    Orders orders;
    while ((orders = Of(Kind::kRemedy, Advance())).empty()) {
      ASSERT_LT(scheduler_.NextDeadline(), FarmTime::max());
      now_ = std::max(now_ + FarmDuration(1),
                      std::min(scheduler_.NextDeadline(), now_ + FarmDuration(20'000)));
      Beat(1);
    }
    if (orders[0].remedy == Remedy::kProve) proofs.push_back(now_);
    scheduler_.RemedyDone(1, "pi", false, now_);
  }
  // Prove, power-cycle, prove; rest; prove, reset, prove, power-cycle, prove; rest.
  ASSERT_EQ(proofs.size(), 5u);
  EXPECT_GE(proofs[2] - proofs[1], kFirstRetry);
  EXPECT_LT(proofs[2] - proofs[1], 2 * kFirstRetry);
  EXPECT_EQ(proofs[4], proofs[2]);
  Advance();
  EXPECT_EQ(scheduler_.Boards()[0].health, "quarantined: smells of smoke; to be tried again");
}

// Such as one that reboots: its remedies are over before it is back.
TEST_F(QuarantineTest, ABoardThatComesBackByItselfReturnsAfterItsRest) {
  Connect(1, "a", {"pi"});
  Fail(3);
  std::vector<Remedy> remedies;
  const FarmTime failed = now_, back = now_ + FarmDuration(10'000);
  while (scheduler_.Boards()[0].health != "ready") {
    ASSERT_LT(now_, failed + 2 * kFirstRetry) << scheduler_.Boards()[0].health;
    for (const FarmOrder& order : Of(Kind::kRemedy, Advance())) {
      remedies.push_back(order.remedy);
      scheduler_.RemedyDone(1, "pi", order.remedy != Remedy::kProve || now_ >= back, now_);
    }
    Wait(1'000);
    Beat(1);
  }
  EXPECT_EQ(remedies, (std::vector{Remedy::kReset, Remedy::kProve, Remedy::kPowerCycle,
                                   Remedy::kProve, Remedy::kProve, Remedy::kProve, Remedy::kProve}))
      << "what is back is not reset once more";
}

// What the network does is not the board's fault.
TEST_F(QuarantineTest, AProofThatALostAgentCannotTellOfIsGivenAgain) {
  Connect(1, "a", {"pi"});
  Fail(3);
  // The reset may have been made.
  EXPECT_EQ(Of(Kind::kRemedy, Advance()).at(0).remedy, Remedy::kReset);
  Wait(31'000);
  EXPECT_TRUE(Advance().empty());
  Beat(1);
  // Lost, and back on another connection.
  EXPECT_EQ(Of(Kind::kRemedy, Advance()).at(0).remedy, Remedy::kProve);
  Connect(2, "a", {"pi"});
  scheduler_.RemedyDone(1, "pi", true, now_);  // of the connection before
  for (int proof = 0; proof < kProofsToReturn; ++proof) {
    EXPECT_NE(scheduler_.Boards()[0].health, "ready");
    EXPECT_EQ(Of(Kind::kRemedy, Advance()).at(0).remedy, Remedy::kProve) << proof;
    scheduler_.RemedyDone(2, "pi", true, now_);
  }
  EXPECT_EQ(scheduler_.Boards()[0].health, "ready");
}

TEST_F(QuarantineTest, AProofThatTakesTheAgentAwayEachTimeHasFailed) {
  Connect(1, "a", {"pi"});
  Fail(3);
  std::vector<Remedy> remedies;
  for (SessionId session = 2; session < 20; ++session) {
    const Orders orders = Of(Kind::kRemedy, Advance());
    if (orders.empty()) break;
    remedies.push_back(orders[0].remedy);
    Connect(session, "a", {"pi"});
  }
  std::vector<Remedy> expected = {Remedy::kReset};
  expected.insert(expected.end(), kInterruptionsToFail, Remedy::kProve);
  expected.push_back(Remedy::kPowerCycle);
  expected.insert(expected.end(), kInterruptionsToFail, Remedy::kProve);
  EXPECT_EQ(remedies, expected);
  EXPECT_TRUE(scheduler_.Boards()[0].health.ends_with("to be tried again"));
}

// Else the tracker's thread would turn without a pause until the agent is back.
TEST_F(QuarantineTest, ABoardAtRestWhoseAgentIsGoneIsDueForNothing) {
  Connect(1, "a", {"pi"});
  for (const char* id : {"r1", "r2", "r3"}) {
    Add(id);
    Finish(1, Runs().at(0), RunEnd::kInfraLoss).IgnoreError();
  }
  // Reset, proof, power cycle, proof: none of it helps.
  for (int remedy = 0; remedy < 4; ++remedy) {
    ASSERT_EQ(Of(FarmOrder::Kind::kRemedy, Advance()).size(), 1u) << remedy;
    scheduler_.RemedyDone(1, "pi", false, now_);
  }
  Advance();
  const FarmTime tried_again = scheduler_.NextDeadline();
  scheduler_.Disconnect(1);
  now_ = std::max(tried_again, now_ + kBoardLostAfter);
  Wait(3'600'000);
  Advance();
  EXPECT_GT(scheduler_.NextDeadline(), now_);
}

}  // namespace
}  // namespace halyard
