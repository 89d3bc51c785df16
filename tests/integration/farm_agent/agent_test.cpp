// The real agent with real boards at a tracker that does what trackers should not, and some of what
// they should.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "absl/strings/escaping.h"
#include "rpc_farm/run_status.h"
#include "rpc_farm/sha256.h"
#include "tests/conformance/test_artifacts.h"
#include "tests/integration/farm_agent/agent_process.h"
#include "tests/integration/farm_agent/tracker_double.h"

namespace halyard {
namespace {

using farm::v1::AgentMessage;
using farm::v1::Lease;
using farm::v1::TrackerMessage;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using RunDone = AgentMessage::RunDone;

constexpr char kCopy[] = "for (long i = 0; i < N; ++i) OUT[i] = IN[i];";
constexpr char kEndless[] = "for (;;) OUT[0] = IN[0];";
// Some 2 seconds in all: long enough to be at when something happens.
constexpr char kSlow[] =
    "for (long k = 0; k < 400000; ++k) for (long i = 0; i < N; ++i) OUT[i] = IN[i];";

constexpr char kDesk[] =
    R"({"boards": [{"name": "desk", "device": "host", "tags": ["lab"], "shared": true,
        "reset": "true", "power": "echo no relay >&2; exit 3"}]})";
constexpr char kBoth[] =
    R"({"boards": [{"name": "desk", "device": "host", "shared": true},
                   {"name": "pi", "device": "rpi4", "board": "virtual", "count": 2}]})";

class AgentTest : public testing::Test {
 protected:
  void Connect(const std::string& boards) {
    agent_ = std::make_unique<AgentProcess>(tracker_.address(), boards);
    ASSERT_TRUE(tracker_.AwaitHello(&hello_)) << agent_->Log();
  }
  void TearDown() override {
    if (HasFailure() && agent_ != nullptr) std::cerr << agent_->Log();
  }

  // A run of a kernel with this body; the tracker has the artifact.
  TrackerMessage Order(const std::string& board, uint64_t epoch, const std::string& body,
                       const std::string& device_name = "host", uint64_t deadline_ms = 20'000) {
    const Device device = LoadDevice(device_name).value();
    const std::string path = folder_.Path("kernel.so");
    BuildCKernel(device, path, body);
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    tracker_.AddArtifact(bytes);
    RunRequest request;
    request.mode = device.board_kind() == BoardKind::kVirtual ? RunMode::kCount : RunMode::kMeasure;
    request.seed = 7;
    request.timing.samples = 3;
    request.timing.warmup_runs = 0;
    request.timing.min_sample_ns = 100'000;
    request.candidates = {{Sha256Hex(bytes), {ElementwiseEntry(1000)}}};
    TrackerMessage message;
    Lease& lease = *message.mutable_run()->mutable_lease();
    lease.set_board(board);
    lease.set_epoch(epoch);
    lease.set_request("request-" + std::to_string(epoch));
    lease.set_time_limit_ms(30'000);
    farm::v1::Job& job = *message.mutable_run()->mutable_job();
    job.set_run_request(nlohmann::json(request).dump());
    job.set_deadline_ms(deadline_ms);
    auto* artifact = job.add_artifacts();
    artifact->set_sha256(absl::HexStringToBytes(Sha256Hex(bytes)));
    artifact->set_size(bytes.size());
    return message;
  }
  RunDone SendAndAwait(const TrackerMessage& order) {
    tracker_.Send(order);
    RunDone done;
    EXPECT_TRUE(tracker_.AwaitRunDone(&done));
    EXPECT_EQ(done.lease().epoch(), order.run().lease().epoch());
    tracker_.SendTaken(done.lease());
    return done;
  }
  void ExpectRuns(const std::string& board, uint64_t epoch) {
    const RunDone done = SendAndAwait(Order(board, epoch, kCopy));
    EXPECT_EQ(done.result().status(), "ok") << done.result().message();
  }
  static bool Eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 1000 && !condition(); ++i) std::this_thread::sleep_for(milliseconds(10));
    return condition();
  }
  // The board's host and something below it.
  bool AwaitRunning(size_t hosts = 1) {
    return Eventually([&] { return agent_->Below().size() > hosts; });
  }
  static TrackerMessage StopOf(const Lease& lease) {
    TrackerMessage message;
    *message.mutable_stop()->mutable_lease() = lease;
    return message;
  }
  AgentMessage::RemedyDone Remedy(const std::string& board, TrackerMessage::Remedy::Kind kind) {
    TrackerMessage message;
    message.mutable_remedy()->set_board(board);
    message.mutable_remedy()->set_kind(kind);
    tracker_.Send(message);
    AgentMessage answer;
    EXPECT_TRUE(tracker_.Await([](const AgentMessage& m) { return m.has_remedy_done(); }, &answer));
    EXPECT_EQ(answer.remedy_done().board(), board);
    return answer.remedy_done();
  }

  ScratchFolder folder_;
  TrackerDouble tracker_;
  std::unique_ptr<AgentProcess> agent_;
  AgentMessage::Hello hello_;
};

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

TEST_F(AgentTest, AStopKillsTheRunAndIsAnswered) {
  Connect(kDesk);
  const TrackerMessage order = Order("desk", 1, kEndless);
  tracker_.Send(order);
  ASSERT_TRUE(AwaitRunning());
  const auto stopped = Clock::now();
  tracker_.Send(StopOf(order.run().lease()));
  RunDone done;
  ASSERT_TRUE(tracker_.AwaitRunDone(&done));
  EXPECT_LT(Clock::now() - stopped, milliseconds(700));  // and the way there and back
  EXPECT_TRUE(done.infrastructure_loss());
  EXPECT_EQ(done.result().message(), "stopped");
  tracker_.SendTaken(done.lease());
  EXPECT_LE(agent_->Below().size(), 1u);
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
