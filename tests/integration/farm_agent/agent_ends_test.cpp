// Whoever is killed or told to end, nothing is left; and what is done to boards.
#include <signal.h>

#include "tests/integration/farm_agent/agent_rig.h"

namespace halyard {
namespace {

TEST_F(AgentTest, AHostThatIsKilledIsALossAndTheAgentGoesOn) {
  Connect(kDesk);
  const TrackerMessage order = Order("desk", 1, kEndless);
  tracker_.Send(order);
  ASSERT_TRUE(AwaitRunning());
  for (pid_t pid : agent_->Below()) kill(pid, SIGKILL);
  RunDone done;
  ASSERT_TRUE(tracker_.AwaitRunDone(&done));
  tracker_.SendTaken(done.lease());
  ExpectRuns("desk", 2);
}

TEST_F(AgentTest, AnAgentThatIsKilledLeavesNothing) {
  Connect(kBoth);
  tracker_.Send(Order("desk", 1, kEndless));
  tracker_.Send(Order("pi-1", 1, kEndless, "rpi4 virtual"));
  ASSERT_TRUE(AwaitRunning(4));
  const std::vector<pid_t> below = agent_->Below();
  agent_->Signal(SIGKILL);
  EXPECT_EQ(agent_->AwaitEnd(milliseconds(5'000)), 128 + SIGKILL);
  EXPECT_TRUE(Eventually([&] { return StillRunning(below).empty(); }));
  EXPECT_TRUE(Eventually([&] { return agent_->TemporaryFiles().empty(); }));
}

TEST_F(AgentTest, ToldToEndItTellsTheTrackerAndLeavesNothingWithinFiveSeconds) {
  Connect(kBoth);
  const TrackerMessage order = Order("desk", 1, kEndless);
  tracker_.Send(order);
  ASSERT_TRUE(AwaitRunning(3));
  const std::vector<pid_t> below = agent_->Below();
  const auto told = Clock::now();
  agent_->Signal(SIGTERM);
  RunDone done;
  ASSERT_TRUE(tracker_.AwaitRunDone(&done));
  EXPECT_TRUE(done.infrastructure_loss());
  tracker_.SendTaken(done.lease());
  EXPECT_EQ(agent_->AwaitEnd(milliseconds(10'000)), 0);
  EXPECT_LT(Clock::now() - told, milliseconds(5'000));
  EXPECT_TRUE(StillRunning(below).empty());
  EXPECT_TRUE(agent_->TemporaryFiles().empty());
}

TEST_F(AgentTest, ToldToEndItDoesSoThoughTheTrackerIsAway) {
  Connect(kDesk);
  tracker_.Stop();
  const auto told = Clock::now();
  agent_->Signal(SIGINT);
  EXPECT_EQ(agent_->AwaitEnd(milliseconds(10'000)), 0);
  EXPECT_LT(Clock::now() - told, milliseconds(5'000));
  tracker_.Start();
}

TEST_F(AgentTest, RemediesAreTheBoardsFilesCommandsAndTheCanary) {
  Connect(kDesk);
  EXPECT_TRUE(Remedy("desk", TrackerMessage::Remedy::PROVE).good());
  EXPECT_TRUE(Remedy("desk", TrackerMessage::Remedy::RESET).good());
  const auto power = Remedy("desk", TrackerMessage::Remedy::POWER_CYCLE);
  EXPECT_FALSE(power.good());
  EXPECT_NE(power.message().find("exit code 3: no relay"), std::string::npos) << power.message();
  EXPECT_TRUE(Remedy("desk", TrackerMessage::Remedy::PROVE).good());
  ExpectRuns("desk", 1);
}

TEST_F(AgentTest, ABoardThatIsNotThereIsNotOfferedAndTheOthersAre) {
  Connect(R"({"boards": [{"name": "desk", "device": "host"},
                         {"name": "gone", "device": "cortex-m7", "board": "gdb:127.0.0.1:1"}]})");
  ASSERT_EQ(hello_.boards_size(), 1);
  EXPECT_EQ(hello_.boards(0).name(), "desk");
  EXPECT_NE(agent_->Log().find("board_unreachable"), std::string::npos);
}

}  // namespace
}  // namespace halyard
