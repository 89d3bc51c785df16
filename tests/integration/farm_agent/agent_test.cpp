// What an agent offers, runs and keeps.
#include "tests/integration/farm_agent/agent_rig.h"

namespace halyard {
namespace {

TEST_F(AgentTest, OffersItsBoardsAndRunsKernelsOnBothKinds) {
  Connect(kBoth);
  EXPECT_EQ(hello_.protocol(), 1u);
  EXPECT_EQ(hello_.agent(), "test-agent");
  ASSERT_EQ(hello_.boards_size(), 3);
  EXPECT_EQ(hello_.boards(0).name(), "desk");
  EXPECT_EQ(hello_.boards(0).kind(), "physical");
  EXPECT_EQ(hello_.boards(1).name(), "pi-1");
  EXPECT_EQ(hello_.boards(1).device(), "rpi4");
  EXPECT_EQ(hello_.boards(1).kind(), "virtual");
  EXPECT_NE(hello_.boards(1).environment().find("qemu"), std::string::npos);
  EXPECT_NE(hello_.boards(0).facts().find("kernel"), std::string::npos);
  EXPECT_NE(hello_.boards(0).hardware().find("halide_target"), std::string::npos);

  const RunDone local = SendAndAwait(Order("desk", 1, kCopy));
  EXPECT_FALSE(local.infrastructure_loss());
  ASSERT_EQ(local.result().status(), "ok") << local.result().message();
  EXPECT_EQ(local.result().board(), "desk");
  const auto reply = nlohmann::json::parse(local.result().reply()).get<RunReply>();
  EXPECT_EQ(reply.candidates.at(0).at(0).samples_ns.size(), 3u);
  EXPECT_GT(local.result().ruler(), 0);
  EXPECT_GT(local.result().drift(), 0);

  const RunDone counted = SendAndAwait(Order("pi-2", 5, kCopy, "rpi4 virtual"));
  ASSERT_EQ(counted.result().status(), "ok") << counted.result().message();
  EXPECT_GT(nlohmann::json::parse(counted.result().reply())
                .get<RunReply>()
                .candidates.at(0)
                .at(0)
                .serial_cycles,
            0);
  EXPECT_EQ(counted.result().ruler(), 1);
  EXPECT_EQ(counted.result().drift(), 1);
}

TEST_F(AgentTest, ReportsACanaryOfEachBoardAndBeatsAsOftenAsItIsTold) {
  Connect(kBoth);
  for (int i = 0; i < 3; ++i) {
    AgentMessage report;
    ASSERT_TRUE(
        tracker_.Await([](const AgentMessage& m) { return m.has_board_report(); }, &report));
    EXPECT_GT(report.board_report().canary_ns(), 0);
    EXPECT_EQ(report.board_report().drift(), 1);
    EXPECT_FALSE(report.board_report().cooling());
  }
  const int before = tracker_.heartbeats();
  EXPECT_TRUE(Eventually([&] { return tracker_.heartbeats() >= before + 3; }));
}

TEST_F(AgentTest, ACandidatesOwnFaultsAreResults) {
  Connect(kDesk);
  const RunDone crash = SendAndAwait(Order("desk", 1, "*(volatile int*)8 = 1;"));
  EXPECT_EQ(crash.result().status(), "crash");
  EXPECT_FALSE(crash.infrastructure_loss());
  const RunDone timeout = SendAndAwait(Order("desk", 2, kEndless, "host", 300));
  EXPECT_EQ(timeout.result().status(), "timeout");
  EXPECT_FALSE(timeout.infrastructure_loss());
  ExpectRuns("desk", 3);
  EXPECT_EQ(agent_->Log().find("host failed"), std::string::npos);
}

TEST_F(AgentTest, AnArtifactIsFetchedOnceForAllBoardsAndRuns) {
  Connect(kBoth);
  ExpectRuns("desk", 1);
  ExpectRuns("desk", 2);
  EXPECT_EQ(tracker_.fetches(), 1);
}

TEST_F(AgentTest, ARunGoesOnWhileTheConnectionIsLostAndItsResultArrivesOnce) {
  Connect(kDesk);
  const TrackerMessage order = Order("desk", 1, kSlow);
  tracker_.Send(order);
  ASSERT_TRUE(AwaitRunning());
  tracker_.CutStreams();
  AgentMessage::Hello again;
  ASSERT_TRUE(tracker_.AwaitHello(&again));
  ASSERT_EQ(again.running_size(), 1);
  EXPECT_EQ(again.running(0).epoch(), 1u);
  RunDone done;
  ASSERT_TRUE(tracker_.AwaitRunDone(&done));
  EXPECT_EQ(done.result().status(), "ok") << done.result().message();
  tracker_.SendTaken(done.lease());
  ExpectRuns("desk", 2);
  EXPECT_EQ(tracker_.RunDones(order.run().lease()), 1);
}

TEST_F(AgentTest, AResultIsSentAgainOnEachConnectionUntilItIsTaken) {
  Connect(kDesk);
  const TrackerMessage order = Order("desk", 1, kCopy);
  tracker_.Send(order);
  RunDone first, second;
  ASSERT_TRUE(tracker_.AwaitRunDone(&first));
  AgentMessage::Hello again;
  tracker_.CutStreams();
  ASSERT_TRUE(tracker_.AwaitHello(&again));
  EXPECT_EQ(again.running_size(), 1);
  ASSERT_TRUE(tracker_.AwaitRunDone(&second));
  EXPECT_EQ(second.SerializeAsString(), first.SerializeAsString());
  tracker_.SendTaken(order.run().lease());
  ExpectRuns("desk", 2);  // the Taken has arrived before
  tracker_.CutStreams();
  ASSERT_TRUE(tracker_.AwaitHello(&again));
  EXPECT_EQ(again.running_size(), 0);
  EXPECT_EQ(tracker_.RunDones(order.run().lease()), 2);
}

TEST_F(AgentTest, ARestartedTrackerFindsTheAgentAgain) {
  Connect(kDesk);
  tracker_.Stop();
  std::this_thread::sleep_for(milliseconds(1'500));
  tracker_.Start();
  AgentMessage::Hello again;
  ASSERT_TRUE(tracker_.AwaitHello(&again));
  EXPECT_EQ(again.boards_size(), 1);
  ExpectRuns("desk", 1);
}

}  // namespace
}  // namespace halyard
