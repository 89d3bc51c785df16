#include "rpc_farm/tracker/scheduler.h"

#include "tests/unit/rpc_farm/tracker/tracker_rig.h"

namespace halyard {
namespace {

using Kind = FarmOrder::Kind;

using SchedulerTest = TrackerRig;

TEST_F(SchedulerTest, ARequestRunsOnAFreeBoardAndEndsOnce) {
  Connect(1, "shelf", {"pi-a"});
  ASSERT_TRUE(Submit("r1").ok());
  EXPECT_EQ(Submit("r1").code(), absl::StatusCode::kAlreadyExists);
  const std::vector<Lease> runs = Runs();
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0].board, "pi-a");
  EXPECT_TRUE(Finish(1, runs[0]).ok());
  EXPECT_EQ(Finish(1, runs[0]).code(), absl::StatusCode::kFailedPrecondition);
  const Orders orders = Advance();
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_EQ(orders[0].kind, Kind::kEnded);
  EXPECT_EQ(scheduler_.StatusOf("r1")->result, "result of r1");
  scheduler_.Forget("r1");
  EXPECT_FALSE(scheduler_.StatusOf("r1").has_value());
}

TEST_F(SchedulerTest, BadRequestsAreRefused) {
  EXPECT_EQ(Submit("").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(scheduler_.Submit({"a", "ann", 0, "", {}, "", FarmDuration(1)}, now_).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(scheduler_.Submit({"a", "ann", 0, "rpi4", {}, "", FarmDuration(0)}, now_).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(scheduler_.Cancel("a", now_).code(), absl::StatusCode::kNotFound);
}

TEST_F(SchedulerTest, DeviceAndTagsChooseTheBoard) {
  scheduler_.Connect(1, "shelf",
                     {{"pi-a", "rpi4", {}}, {"pi-b", "rpi4", {"fan", "8gb"}}, {"n", "nano", {}}},
                     {}, now_);
  Add("r1", "ann", 0, {"fan"});
  Add("r2", "ann", 0, {"ssd"});
  const std::vector<Lease> runs = Runs();
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0].board, "pi-b");
  EXPECT_EQ(StateOf("r2"), RequestState::kQueued);
  EXPECT_EQ(scheduler_.BoardsFor({"x", "ann", 0, "rpi4", {"ssd"}, ""}), 0);
  EXPECT_EQ(scheduler_.BoardsFor({"x", "ann", 0, "rpi4", {}, ""}), 2);
}

TEST_F(SchedulerTest, PriorityFirstThenUsersFairlyThenInOrder) {
  Connect(1, "shelf", {"pi"});
  for (int i = 0; i < 4; i++) Add("ann" + std::to_string(i), "ann");
  for (int i = 0; i < 2; i++) Add("bob" + std::to_string(i), "bob");
  Add("late", "ann", 5);
  std::string order;
  while (true) {
    const std::vector<Lease> runs = Runs();
    if (runs.empty()) break;
    order += runs[0].request + " ";
    Wait(1000);
    Beat(1);
    EXPECT_TRUE(Finish(1, runs[0]).ok());
  }
  // Ann's urgent one counts against her share.
  EXPECT_EQ(order, "late bob0 ann0 bob1 ann1 ann2 ann3 ");
}

TEST_F(SchedulerTest, ALostAgentIsNoticedInTimeAndItsRunGoesElsewhere) {
  Connect(1, "a", {"pi-a"});
  Add("r1");
  const Lease first = Runs().at(0);
  Connect(2, "b", {"pi-b"});
  Wait(29'999);
  Beat(2);
  EXPECT_TRUE(Runs().empty());
  Wait(1);
  const std::vector<Lease> again = Runs();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].board, "pi-b");
  EXPECT_EQ(Finish(1, first).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Finish(2, again[0]).ok());
  EXPECT_EQ(scheduler_.StatusOf("r1")->losses, 1);
}

TEST_F(SchedulerTest, AThirdLossEndsTheRequest) {
  Connect(1, "a", {"a1", "a2", "a3", "a4"});
  Add("r1");
  for (int i = 0; i < 3; i++) {
    EXPECT_EQ(StateOf("r1"), RequestState::kQueued);
    EXPECT_TRUE(Finish(1, Runs().at(0), RunEnd::kInfraLoss).ok());
  }
  EXPECT_EQ(StateOf("r1"), RequestState::kLost);
  EXPECT_EQ(scheduler_.StatusOf("r1")->result.rfind("lost 3 times, the last: board a3", 0), 0u);
}

TEST_F(SchedulerTest, ALeaseEndsAtItsLimitAndTheBoardIsFreeOnceItHasStopped) {
  Connect(1, "a", {"pi"});
  Add("r1");
  const Lease first = Runs().at(0);
  for (int i = 0; i < 3; i++) {
    Wait(20'000);
    Beat(1);
  }
  const Orders orders = Advance();
  ASSERT_EQ(Of(Kind::kStop, orders).size(), 1u);
  EXPECT_EQ(Of(Kind::kStop, orders)[0].lease.epoch, first.epoch);
  EXPECT_TRUE(Of(Kind::kRun, orders).empty()) << "the old run may still be on the board";
  EXPECT_EQ(Finish(1, first).code(), absl::StatusCode::kFailedPrecondition);
  const std::vector<Lease> again = Runs();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_GT(again[0].epoch, first.epoch);
}

TEST_F(SchedulerTest, AnAgentThatComesBackInTimeKeepsItsRun) {
  Connect(1, "a", {"pi"});
  Add("r1");
  const Lease lease = Runs().at(0);
  scheduler_.Disconnect(1);
  Wait(20'000);
  EXPECT_TRUE(Connect(2, "a", {"pi"}, {lease})[0].ok());
  EXPECT_TRUE(Runs().empty());
  EXPECT_EQ(Finish(1, lease).code(), absl::StatusCode::kFailedPrecondition) << "the old connection";
  EXPECT_TRUE(Finish(2, lease).ok());
}

TEST_F(SchedulerTest, AnAgentThatComesBackWithoutItsRunHasLostIt) {
  Connect(1, "a", {"pi"});
  Add("r1");
  const Lease lease = Runs().at(0);
  Wait(1000);
  EXPECT_TRUE(Connect(2, "a", {"pi"})[0].ok());
  const std::vector<Lease> again = Runs();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].epoch, lease.epoch + 1);
  EXPECT_EQ(scheduler_.StatusOf("r1")->losses, 1);
}

TEST_F(SchedulerTest, OneAgentHoldsAName) {
  EXPECT_TRUE(Connect(1, "a", {"pi"})[0].ok());
  EXPECT_EQ(Connect(2, "b", {"pi"})[0].code(), absl::StatusCode::kAlreadyExists);
  scheduler_.Disconnect(1);
  EXPECT_EQ(Connect(3, "b", {"pi"})[0].code(), absl::StatusCode::kAlreadyExists) << "not lost yet";
  Wait(30'000);
  Advance();
  EXPECT_TRUE(Connect(4, "b", {"pi"})[0].ok());
  EXPECT_EQ(Connect(5, "c", {"x", "x"})[1].code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Connect(6, "c", {""})[0].code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SchedulerTest, CancelledRequestsFreeTheirBoard) {
  Connect(1, "a", {"pi"});
  Add("r1");
  Add("r2");
  const Lease lease = Runs().at(0);
  EXPECT_TRUE(scheduler_.Cancel("r1", now_).ok());
  EXPECT_TRUE(scheduler_.Cancel("r2", now_).ok());
  const Orders orders = Advance();
  EXPECT_EQ(Of(Kind::kStop, orders).size(), 1u);
  EXPECT_EQ(Of(Kind::kEnded, orders).size(), 2u);
  EXPECT_EQ(scheduler_.queued(), 0u);
  EXPECT_FALSE(Finish(1, lease).ok());
  EXPECT_EQ(StateOf("r1"), RequestState::kCancelled);
}

TEST_F(SchedulerTest, ADrainedBoardEndsWhatItHasAndGetsNoMore) {
  Connect(1, "a", {"pi"});
  Add("r1");
  Add("r2");
  const Lease lease = Runs().at(0);
  EXPECT_TRUE(scheduler_.Drain("pi").ok());
  EXPECT_TRUE(Finish(1, lease).ok());
  EXPECT_TRUE(Runs().empty());
  EXPECT_TRUE(scheduler_.Release("pi").ok());
  EXPECT_EQ(Runs().size(), 1u);
  EXPECT_EQ(scheduler_.Drain("pi-x").code(), absl::StatusCode::kNotFound);
}

TEST_F(SchedulerTest, ARestartGoesOnWhereItWas) {
  FarmMemory memory;
  memory.boards["pi"].epoch = 7;
  memory.boards["other"] = {3, false, "no fan", true};
  auto add = [&](const std::string& id, RequestState state, const std::string& board) {
    FarmMemory::Request r;
    r.request = {id, "ann", 0, "rpi4", {}, "", FarmDuration(60'000)};
    r.status = {state, state == RequestState::kDone ? "old result" : "", board, 0};
    r.epoch = 7;
    memory.requests.push_back(r);
  };
  add("runs", RequestState::kRunning, "pi");
  add("waits", RequestState::kQueued, "");
  add("done", RequestState::kDone, "pi");
  scheduler_.Restore(memory, now_);
  EXPECT_EQ(scheduler_.StatusOf("done")->result, "old result");
  EXPECT_EQ(Submit("waits").code(), absl::StatusCode::kAlreadyExists);
  Wait(10'000);
  const Lease lease{"pi", "runs", 7, FarmDuration(60'000)};
  EXPECT_TRUE(Connect(1, "a", {"pi"}, {lease})[0].ok());
  EXPECT_TRUE(Runs().empty());
  EXPECT_TRUE(Finish(1, lease).ok());
  const std::vector<Lease> next = Runs();
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].request, "waits");
  EXPECT_EQ(next[0].epoch, 8u);
  EXPECT_EQ(scheduler_.StatusOf("runs")->losses, 0);
}

TEST_F(SchedulerTest, ARestartedRunWhoseAgentStaysAwayGoesElsewhere) {
  FarmMemory memory;
  FarmMemory::Request r;
  r.request = {"runs", "ann", 0, "rpi4", {}, "", FarmDuration(60'000)};
  r.status = {RequestState::kRunning, "", "pi", 0};
  r.epoch = 7;
  memory.requests = {r};
  scheduler_.Restore(memory, now_);
  Connect(1, "b", {"pi-b"});
  Wait(30'000);
  Beat(1);
  EXPECT_EQ(Runs().at(0).board, "pi-b");
}

// One that ran beyond its lease, and one that has ended but was not taken.
TEST_F(SchedulerTest, ABoardWorksAgainOnceAllItsOldRunsHaveStopped) {
  Add("next");
  const Lease running{"pi", "old", 5, FarmDuration(1)}, ended{"pi", "older", 4, FarmDuration(1)};
  Connect(1, "a", {"pi"}, {running, ended});
  EXPECT_EQ(Of(FarmOrder::Kind::kStop, Advance()).size(), 2u);
  EXPECT_TRUE(absl::IsFailedPrecondition(Finish(1, ended)));
  EXPECT_TRUE(Runs().empty()) << "the other still runs there";
  EXPECT_TRUE(absl::IsFailedPrecondition(Finish(1, running)));
  EXPECT_EQ(Runs().size(), 1u);
}

// Its result is larger than a message may be: each attempt ends the connection.
TEST_F(SchedulerTest, ARunWhoseEndNeverArrivesIsLost) {
  Add("r");
  Connect(1, "a", {"pi"});
  const Lease lease = Runs().at(0);
  SessionId session = 1;
  for (int i = 0; i < kMostReturns; ++i) {
    scheduler_.Disconnect(session++);
    EXPECT_TRUE(Connect(session, "a", {"pi"}, {lease})[0].ok()) << i;
    Advance();
  }
  EXPECT_EQ(StateOf("r"), RequestState::kRunning);
  scheduler_.Disconnect(session++);
  const absl::Status refused = Connect(session, "a", {"pi"}, {lease})[0];
  EXPECT_NE(refused.message().find("too large to be sent"), std::string::npos) << refused;
  Advance();
  EXPECT_EQ(StateOf("r"), RequestState::kQueued);
  EXPECT_EQ(scheduler_.StatusOf("r")->losses, 1);
  // Another board makes it; and the agent is welcome again when it owes nothing.
  Connect(100, "b", {"pi-b"});
  EXPECT_EQ(Runs().at(0).board, "pi-b");
  EXPECT_TRUE(Connect(101, "a", {"pi"})[0].ok());
}

}  // namespace
}  // namespace halyard
