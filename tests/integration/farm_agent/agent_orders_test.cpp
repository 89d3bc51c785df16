// Orders that come twice, too late, or make no sense.
#include <gtest/gtest.h>
#include <signal.h>

#include <vector>

#include "tests/integration/farm_agent/agent_rig.h"

namespace halyard {
namespace {

TEST_F(AgentTest, AStopKillsTheRunAndIsAnswered) {
  Connect(kDesk);
  const TrackerMessage order = Order("desk", 1, kEndless);
  tracker_.Send(order);
  ASSERT_TRUE(AwaitRunning());
  const std::vector<pid_t> running = agent_->Below();
  const auto stopped = Clock::now();
  tracker_.Send(StopOf(order.run().lease()));
  RunDone done;
  ASSERT_TRUE(tracker_.AwaitRunDone(&done));
  EXPECT_LT(Clock::now() - stopped, milliseconds(700));  // and the way there and back
  EXPECT_TRUE(done.infrastructure_loss());
  EXPECT_EQ(done.result().message(), "stopped");
  tracker_.SendTaken(done.lease());
  // Not counted: the host that was started again tries its sandbox in a process of its own.
  for (const pid_t pid : running) EXPECT_NE(kill(pid, 0), 0) << pid << " of the run is left";
  ExpectRuns("desk", 2);
  // Of nothing: answered all the same, so that the tracker need not wait.
  const TrackerMessage unknown = Order("desk", 77, kCopy);
  tracker_.Send(StopOf(unknown.run().lease()));
  ASSERT_TRUE(tracker_.AwaitRunDone(&done));
  EXPECT_EQ(done.lease().epoch(), 77u);
  EXPECT_TRUE(done.infrastructure_loss());
}

TEST_F(AgentTest, ARepeatedOrderIsRunOnce) {
  Connect(kDesk);
  const TrackerMessage order = Order("desk", 1, kSlow);
  tracker_.Send(order);
  ASSERT_TRUE(AwaitRunning());
  tracker_.Send(order);  // runs
  RunDone first, second, third;
  ASSERT_TRUE(tracker_.AwaitRunDone(&first));
  tracker_.Send(order);  // has ended, and was not taken
  ASSERT_TRUE(tracker_.AwaitRunDone(&second));
  EXPECT_EQ(first.SerializeAsString(), second.SerializeAsString());
  tracker_.SendTaken(order.run().lease());
  tracker_.Send(order);  // was taken
  ASSERT_TRUE(tracker_.AwaitRunDone(&third));
  EXPECT_TRUE(third.infrastructure_loss());
  EXPECT_NE(third.result().message().find("replay"), std::string::npos);
  const std::string log = agent_->Log();
  const size_t ran = log.find("\"event\":\"run_done\"");
  ASSERT_NE(ran, std::string::npos);
  EXPECT_EQ(log.find("\"event\":\"run_done\"", ran + 1), std::string::npos) << "run twice";
}

TEST_F(AgentTest, OrdersForABusyOrUnknownBoardAreLosses) {
  Connect(kDesk);
  const TrackerMessage running = Order("desk", 1, kEndless);
  tracker_.Send(running);
  ASSERT_TRUE(AwaitRunning());
  RunDone done;
  tracker_.Send(Order("desk", 2, kCopy));
  ASSERT_TRUE(tracker_.AwaitRunDone(&done));
  EXPECT_EQ(done.lease().epoch(), 2u);
  EXPECT_TRUE(done.infrastructure_loss());
  tracker_.Send(Order("no-such", 3, kCopy));
  ASSERT_TRUE(tracker_.AwaitRunDone(&done));
  EXPECT_EQ(done.lease().epoch(), 3u);
  EXPECT_TRUE(done.infrastructure_loss());
}

TEST_F(AgentTest, WhatTheTrackerDoesNotHaveOrSendsWrongIsALoss) {
  Connect(kDesk);
  TrackerMessage unknown = Order("desk", 1, kCopy);
  const std::string digest(64, 'a');
  farm::v1::Job& job = *unknown.mutable_run()->mutable_job();
  std::string request = job.run_request();
  const std::string known = absl::BytesToHexString(job.artifacts(0).sha256());
  job.set_run_request(request.replace(request.find(known), 64, digest));
  job.mutable_artifacts(0)->set_sha256(absl::HexStringToBytes(digest));
  const RunDone missing = SendAndAwait(unknown);
  EXPECT_TRUE(missing.infrastructure_loss());
  EXPECT_NE(missing.result().message().find("no such artifact"), std::string::npos);
  uint64_t epoch = 2;
  const std::vector<std::pair<std::function<std::string(std::string)>, const char*>> ways = {
      {[](std::string b) { return b.substr(1); }, "bytes came"},
      {[](std::string b) { return b + "more"; }, "more bytes"},
      {[](std::string b) { return b.replace(100, 1, 1, char(b[100] ^ 1)); }, "have the digest"}};
  for (const auto& [corrupt, why] : ways) {
    tracker_.Corrupt(corrupt);
    const RunDone wrong = SendAndAwait(Order("desk", epoch++, kCopy));
    EXPECT_TRUE(wrong.infrastructure_loss());
    EXPECT_NE(wrong.result().message().find(why), std::string::npos) << wrong.result().message();
  }
  tracker_.Corrupt(nullptr);
  ExpectRuns("desk", epoch);
}

TEST_F(AgentTest, AnArtifactOfAnotherMachineIsRefusedBeforeTheBoardSeesIt) {
  Connect(kDesk);
  const RunDone wrong = SendAndAwait(Order("desk", 1, kCopy, "rpi4"));
  EXPECT_EQ(wrong.result().status(), "rejected");
  EXPECT_FALSE(wrong.infrastructure_loss());
  EXPECT_NE(wrong.result().message().find("built for aarch64, this board is"), std::string::npos)
      << wrong.result().message();
  ExpectRuns("desk", 2);
}

TEST_F(AgentTest, ARequestThatIsNoneIsRefusedAndNeverALoss) {
  Connect(kDesk);
  const TrackerMessage good = Order("desk", 1, kCopy);
  const auto json = nlohmann::json::parse(good.run().job().run_request());
  std::vector<std::string> bad = {"", "{", "[]", "null", std::string(1'000'000, '[')};
  auto with = [&](const std::function<void(nlohmann::json&)>& change) {
    nlohmann::json changed = json;
    change(changed);
    bad.push_back(changed.dump());
  };
  with([](nlohmann::json& j) { j["candidates"][0]["artifact_path"] = "/etc/passwd"; });
  with([](nlohmann::json& j) { j["candidates"][0]["entries"][0]["output"] = {1 << 20, 1 << 20}; });
  with([](nlohmann::json& j) { j["threads"] = 1'000'000'000; });
  with([](nlohmann::json& j) { j["mode"] = "sell"; });
  with([](nlohmann::json& j) { j.erase("seed"); });
  uint64_t epoch = 1;
  for (const std::string& text : bad) {
    TrackerMessage order = good;
    order.mutable_run()->mutable_lease()->set_epoch(epoch++);
    order.mutable_run()->mutable_job()->set_run_request(text);
    const RunDone done = SendAndAwait(order);
    EXPECT_EQ(done.result().status(), "rejected") << text.substr(0, 200);
    EXPECT_FALSE(done.infrastructure_loss());
    EXPECT_FALSE(done.result().message().empty());
  }
  ExpectRuns("desk", epoch);
}

}  // namespace
}  // namespace halyard
