// What the gate decides, case by case, and how often its rounds are wrong on times whose truth is
// known.
#include "tuner/gate/gate_decision.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace halyard {
namespace {

const GateSide kRight, kWrong{Outcome::kWrongResult, "element 3 is 5"},
    kUnbuilt{Outcome::kBuildError, "no tile fits"};

GateEvidence Both() {
  GateEvidence e;
  e.shipped = e.in_log = true;
  e.now = e.before = kRight;
  e.ratio = RatioInterval{1.2, 1.15, 1.25};
  return e;
}

void ExpectDecision(const GateEvidence& e, GateVerdict verdict, GateShips ships,
                    const std::string& reason) {
  const GateDecision d = DecideGate(e);
  EXPECT_EQ(GateVerdictName(d.verdict), GateVerdictName(verdict));
  EXPECT_EQ(static_cast<int>(d.ships), static_cast<int>(ships));
  EXPECT_EQ(d.reason, reason);
}

TEST(GateDecisionTest, TheNewOneShipsUnlessItIsSlower) {
  GateEvidence e = Both();
  ExpectDecision(e, GateVerdict::kNew, GateShips::kNew, "");
  e.slower = true;
  ExpectDecision(e, GateVerdict::kKept, GateShips::kPredecessor, "20 % slower");
  e.ratio = RatioInterval{1.034, 1.02, 1.05};
  ExpectDecision(e, GateVerdict::kKept, GateShips::kPredecessor, "3.4 % slower");
}

TEST(GateDecisionTest, WhatIsWrongOrDoesNotBuildNeverShips) {
  GateEvidence e = Both();
  e.now = kWrong;
  ExpectDecision(e, GateVerdict::kKept, GateShips::kPredecessor, "wrong: element 3 is 5");
  e.now = kUnbuilt;
  ExpectDecision(e, GateVerdict::kKept, GateShips::kPredecessor, "build_error: no tile fits");
  e.before = kWrong;
  ExpectDecision(e, GateVerdict::kLeftOut, GateShips::kNothing,
                 "build_error: no tile fits; its predecessor wrong: element 3 is 5");
  e.now = kRight;
  ExpectDecision(e, GateVerdict::kNew, GateShips::kNew, "its predecessor wrong: element 3 is 5");
}

TEST(GateDecisionTest, WhatCouldNotBeTimedKeepsItsPredecessor) {
  GateEvidence e = Both();
  e.ratio.reset();
  e.no_ratio = "the clock moved";
  ExpectDecision(e, GateVerdict::kKept, GateShips::kPredecessor, "not timed: the clock moved");
}

TEST(GateDecisionTest, APredecessorOfAnotherSpaceMakesWayForWhatIsRight) {
  GateEvidence e = Both();
  e.before.reset();
  e.ratio.reset();
  e.predecessor_gone = "its predecessor is of space version 3, now 4";
  ExpectDecision(e, GateVerdict::kNew, GateShips::kNew, e.predecessor_gone);
  e.now = kWrong;
  ExpectDecision(e, GateVerdict::kLeftOut, GateShips::kNothing, "wrong: element 3 is 5");
}

TEST(GateDecisionTest, OneConfigIsTheSameOrRebuilt) {
  GateEvidence e = Both();
  e.same_config = true;
  e.now.reset();
  e.before.reset();
  ExpectDecision(e, GateVerdict::kSame, GateShips::kNew, "");
  e.same_compiler = false;
  e.now = kRight;
  ExpectDecision(e, GateVerdict::kRebuilt, GateShips::kNew, "");
  e.now = kWrong;
  ExpectDecision(e, GateVerdict::kLeftOut, GateShips::kNothing, "wrong: element 3 is 5");
}

TEST(GateDecisionTest, NoVariantIsLostAndNewOnesAreChecked) {
  GateEvidence e = Both();
  e.in_log = false;
  e.now.reset();
  e.before.reset();
  ExpectDecision(e, GateVerdict::kKept, GateShips::kPredecessor, "not in the log");
  e.before = kWrong;
  ExpectDecision(e, GateVerdict::kLeftOut, GateShips::kNothing,
                 "not in the log; its predecessor wrong: element 3 is 5");
  e.before.reset();
  e.predecessor_gone = "its workload cannot be read";
  ExpectDecision(e, GateVerdict::kLeftOut, GateShips::kNothing,
                 "not in the log; its workload cannot be read");

  GateEvidence added;
  added.in_log = true;
  added.now = kRight;
  ExpectDecision(added, GateVerdict::kAdded, GateShips::kNew, "");
  added.now = kWrong;
  ExpectDecision(added, GateVerdict::kLeftOut, GateShips::kNothing, "wrong: element 3 is 5");
}

TEST(GateDecisionTest, ACountIsSlowerBeyondTheTolerance) {
  EXPECT_FALSE(SlowerExactly(0.5));
  EXPECT_FALSE(SlowerExactly(1.01));
  EXPECT_TRUE(SlowerExactly(1.0101));
}

// Times as they are on a machine that others use: `noise` of a sample, one in ten much slower, and
// what a run's memory happens to make of it, for all its rounds.
struct Machine {
  std::mt19937_64 rng;
  double noise, run_offset;

  double Normal(double deviation) { return std::normal_distribution<double>(0, deviation)(rng); }
  double Sample(double time) {
    const double slowed = rng() % 10 == 0 ? 1.5 + static_cast<double>(rng() % 100) / 50 : 1;
    return time * slowed * std::exp(Normal(noise));
  }
  // Whether the gate calls `ratio` slower.
  bool Slower(double ratio, int* rounds = nullptr) {
    GateRounds gate(0.008);
    while (const int n = gate.NextRun()) {
      const double now_here = ratio * std::exp(Normal(run_offset)),
                   before_here = std::exp(Normal(run_offset));
      std::vector<double> now, before;
      for (int i = 0; i < n; i++) {
        now.push_back(Sample(now_here));
        before.push_back(Sample(before_here));
      }
      gate.Add(now, before);
    }
    if (rounds != nullptr) *rounds += gate.rounds();
    return gate.slower();
  }
};

int Slower(double ratio, double noise, double run_offset, int of, int* rounds = nullptr) {
  Machine machine{std::mt19937_64(7), noise, run_offset};
  int slower = 0;
  for (int i = 0; i < of; i++) slower += machine.Slower(ratio, rounds) ? 1 : 0;
  return slower;
}

TEST(GateRoundsTest, TenPercentAreHeldBack) {
  EXPECT_EQ(Slower(1.10, 0.01, 0.003, 500), 500);
  EXPECT_EQ(Slower(1.10, 0.05, 0.005, 500), 500);
  EXPECT_GE(Slower(1.10, 0.10, 0.01, 500), 490);
}

TEST(GateRoundsTest, EqualsAreNotCalledSlower) {
  EXPECT_LE(Slower(1.0, 0.01, 0.003, 500), 5);
  EXPECT_LE(Slower(1.0, 0.05, 0.005, 500), 5);
  EXPECT_LE(Slower(1.0, 0.10, 0.01, 500), 10);
  // A whole run is 1 % off by where its memory lies.
  EXPECT_LE(Slower(1.0, 0.01, 0.01, 500), 25);
}

TEST(GateRoundsTest, WhatIsClearTakesFewRounds) {
  int clear = 0, close = 0;
  EXPECT_EQ(Slower(1.5, 0.02, 0.003, 100, &clear), 100);
  EXPECT_EQ(Slower(0.8, 0.02, 0.003, 100, &clear), 0);
  Slower(1.01, 0.02, 0.003, 100, &close);
  EXPECT_LT(clear / 200, 61);
  EXPECT_GT(close / 100, 100);
}

TEST(GateRoundsTest, OneRunAloneCallsNothingSlower) {
  GateRounds gate(0.008);
  gate.Add(std::vector<double>(30, 2.0), std::vector<double>(30, 1.0));
  EXPECT_FALSE(gate.slower());
  EXPECT_GT(gate.NextRun(), 0);
  gate.Add(std::vector<double>(30, 2.0), std::vector<double>(30, 1.0));
  EXPECT_TRUE(gate.slower());
  EXPECT_EQ(gate.NextRun(), 0);
}

TEST(GateRoundsTest, SlowKernelsGetFewRoundsAndASecondRunAllTheSame) {
  GateRounds gate(30);
  EXPECT_EQ(gate.NextRun(), 3);
  gate.Add({2, 2, 2}, {1, 1, 1});
  EXPECT_EQ(gate.NextRun(), 3);
  gate.Add({2, 2, 2}, {1, 1, 1});
  EXPECT_TRUE(gate.slower());
}

}  // namespace
}  // namespace halyard
