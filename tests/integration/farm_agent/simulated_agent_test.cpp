// Simulated boards as the real agent serves them: its canaries, its patience and its records know
// nothing of their being simulated.
#include <algorithm>
#include <cstdio>
#include <map>

#include "rpc_farm/executor.h"
#include "tests/integration/farm_agent/agent_rig.h"

namespace halyard {
namespace {

constexpr char kSimulatedPi[] = "rpi4 simulated";
constexpr milliseconds kLong{40'000};

class SimulatedAgentTest : public AgentTest {
 protected:
  static std::string Boards(int count, const std::string& simulation,
                            const std::string& more = "") {
    return R"({"boards": [{"name": "sim", "device": "rpi4", "board": "simulated", "count": )" +
           std::to_string(count) + more + R"(, "simulation": )" + simulation + "}]}";
  }
  static std::vector<std::string> Often() {
    return {"--canary-seconds", "0.5", "--cooling-seconds", "0.2"};
  }
  // A run like `order` on another board.
  TrackerMessage On(const TrackerMessage& order, const std::string& board) {
    TrackerMessage message = order;
    Lease& lease = *message.mutable_run()->mutable_lease();
    lease.set_board(board);
    lease.set_epoch(++epochs_);
    lease.set_request("request-" + std::to_string(epochs_));
    return message;
  }
  // One after which two hours have passed on a board that keeps no pace with the clock: the second
  // sample begins shortly before the cap.
  TrackerMessage TwoHours() {
    TrackerMessage message = Order("", 0, kCopy, kSimulatedPi, 20'000'000);
    RunRequest request = nlohmann::json::parse(message.run().job().run_request()).get<RunRequest>();
    request.timing.min_sample_ns = 3'599'000'000'000;
    request.timing.samples = 3;
    request.timing.cap_ns = 3'600'000'000'000;
    message.mutable_run()->mutable_job()->set_run_request(nlohmann::json(request).dump());
    return message;
  }
  std::vector<std::string> Offered() const {
    std::vector<std::string> names;
    for (const auto& board : hello_.boards()) names.push_back(board.name());
    return names;
  }
  void SendToAll(const TrackerMessage& order) {
    for (const std::string& board : Offered()) tracker_.Send(On(order, board));
  }
  std::vector<RunDone> AwaitAll() {
    std::vector<RunDone> all;
    for (size_t i = 0; i < Offered().size(); ++i) {
      RunDone done;
      if (!tracker_.AwaitRunDone(&done, kLong)) break;
      tracker_.SendTaken(done.lease());
      all.push_back(done);
    }
    EXPECT_EQ(all.size(), Offered().size());
    return all;
  }
  // The drift that each board tells with its first report from now on that has it cooling, or not.
  std::map<std::string, double> AwaitCooling(bool cooling) {
    std::map<std::string, double> drifts;
    AgentMessage message;
    const auto wanted = [&](const AgentMessage& m) {
      return m.has_board_report() && m.board_report().cooling() == cooling &&
             !drifts.contains(m.board_report().board());
    };
    while (drifts.size() < Offered().size() && tracker_.Await(wanted, &message, kLong)) {
      drifts[message.board_report().board()] = message.board_report().drift();
    }
    return drifts;
  }
  static RunReply ReplyOf(const RunDone& done) {
    return nlohmann::json::parse(done.result().reply()).get<RunReply>();
  }

  uint64_t epochs_ = 0;
};

TEST_F(SimulatedAgentTest, TellsTheVirtualBoardsTimesByTheScript) {
  Connect(Boards(2, R"({"speed": 2, "pace": 0})"));
  ASSERT_EQ(hello_.boards_size(), 2);
  EXPECT_EQ(hello_.boards(0).kind(), "simulated");
  EXPECT_NE(hello_.boards(0).environment().find("simulated (speed 2, noise 0 %), answers and times "
                                                "of qemu"),
            std::string::npos)
      << hello_.boards(0).environment();
  // Both share one process that emulates.
  EXPECT_EQ(agent_->Below().size(), 1u);
  const TrackerMessage order = Order("", 0, kCopy, kSimulatedPi);
  const RunDone done = SendAndAwait(On(order, "sim-1"));
  ASSERT_EQ(done.result().status(), "ok") << done.result().message();
  const Device pi = LoadDevice("rpi4", "virtual").value();
  RunRequest counted = ShortRun(pi, folder_.Path("kernel.so"));
  counted.caches_warm = true;
  const RunOutcome here = MakeExecutor(pi).value()->Run(counted, milliseconds(20'000));
  ASSERT_EQ(here.status, RunStatus::kOk) << here.message;
  const EntryResult truth = here.reply.candidates.at(0).at(0);
  const EntryResult told = ReplyOf(done).candidates.at(0).at(0);
  EXPECT_EQ(told.probe_values, truth.probe_values);
  ASSERT_EQ(told.samples_ns.size(), 3u);
  EXPECT_NEAR(told.samples_ns[0], truth.serial_cycles / 1.5 / 2, 1e-3);
  EXPECT_EQ(done.result().ruler(), 1);
  EXPECT_EQ(done.result().drift(), 1);
  // The same on the other, and a crash and an endless loop are as they are.
  EXPECT_EQ(ReplyOf(SendAndAwait(On(order, "sim-2"))).candidates.at(0).at(0).samples_ns,
            told.samples_ns);
  const TrackerMessage crash = Order("", 0, "*(volatile int*)8 = 1;", kSimulatedPi);
  EXPECT_EQ(SendAndAwait(On(crash, "sim-1")).result().status(), "crash");
}

TEST_F(SimulatedAgentTest, DriftOfFifteenPercentIsSeenOnEachOfAHundredBoardsAndSoIsItsEnd) {
  Connect(Boards(100, R"({"noise": 0.02, "speed_spread": 0.1, "pace": 0,
                          "drift": [{"at_s": 5000, "to": 1.15}, {"at_s": 12000, "to": 1}]})"),
          Often());
  ASSERT_EQ(hello_.boards_size(), 100);
  const TrackerMessage order = TwoHours();
  SendToAll(order);
  for (const RunDone& done : AwaitAll()) {
    EXPECT_EQ(done.result().status(), "ok") << done.result().message();
    EXPECT_LT(done.result().drift(), 1.1) << "a false alarm";
  }
  const auto drifted = AwaitCooling(true);
  std::printf("drift of 15 %%: flagged on %zu of 100 boards\n", drifted.size());
  EXPECT_EQ(drifted.size(), 100u);
  for (const auto& [board, drift] : drifted) {
    // 1.3 % is its deviation (drift_watch.h).
    EXPECT_NEAR(drift, 1.15, 0.06) << board;
  }
  SendToAll(order);
  AwaitAll();
  EXPECT_EQ(AwaitCooling(false).size(), 100u);
}

TEST_F(SimulatedAgentTest, ABoardThatHoldsMeasuresAgainWhileItDrifts) {
  Connect(
      Boards(1, R"({"pace": 0, "drift": [{"at_s": 5000, "to": 1.15}, {"at_s": 20000, "to": 1}]})",
             R"(, "hold": true)"),
      Often());
  const RunDone done = SendAndAwait(On(TwoHours(), "sim-1"));
  EXPECT_EQ(done.result().status(), "ok");
  EXPECT_NEAR(done.result().drift(), 1, 0.001) << "the canary after the third of them";
  const std::string log = agent_->Log();
  size_t again = 0;
  for (size_t at = 0; (at = log.find("measured_again", at)) != std::string::npos; ++at) ++again;
  EXPECT_EQ(again, 2u);
}

TEST_F(SimulatedAgentTest, PeriodsOutOfRangeAreRefused) {
  for (const char* period : {"0", "-1", "nan", "1e9"}) {
    AgentProcess agent(tracker_.address(), Boards(1, "{}"), {"--cooling-seconds", period});
    EXPECT_EQ(agent.AwaitEnd(milliseconds(5'000)), 2);
    EXPECT_EQ(agent.Log(), "farm_agent: --cooling-seconds must be 0.01 to 86400\n");
  }
}

TEST_F(SimulatedAgentTest, HangsAreTimeoutsAndWrongAnswersAreThere) {
  Connect(Boards(40, R"({"hang": 0.1, "wrong": 0.1, "pace": 0})"));
  // Those whose first three canaries were good.
  ASSERT_GT(hello_.boards_size(), 5);
  const TrackerMessage order = Order("", 0, kCopy, kSimulatedPi);
  std::map<std::string, int> ended;
  std::map<std::vector<float>, int> answers;  // those that are whole
  for (int round = 0; round < 10; ++round) {
    SendToAll(order);
    for (const RunDone& done : AwaitAll()) {
      std::string how = done.result().status();
      EXPECT_FALSE(done.infrastructure_loss());
      if (how == "ok") {
        const EntryResult told = ReplyOf(done).candidates.at(0).at(0);
        const bool whole = told.guards_intact && told.poison_left == 0 && told.non_finite == 0;
        if (whole) ++answers[told.probe_values];
        how = "wrong";
      }
      ++ended[how];
    }
  }
  // The right one is the same each time.
  for (const auto& [answer, times] : answers) ended["ok"] = std::max(ended["ok"], times);
  ended["wrong"] -= ended["ok"];
  const int runs = 10 * hello_.boards_size();
  EXPECT_GT(ended["timeout"], runs / 40);
  EXPECT_GT(ended["wrong"], runs / 40);
  EXPECT_GT(ended["ok"], runs / 2);
  EXPECT_EQ(ended["timeout"] + ended["wrong"] + ended["ok"], runs);
}

TEST_F(SimulatedAgentTest, ABoardThatIsCutOffIsLostForAsLong) {
  Connect(Boards(1, R"({"pace": 0, "partition": [{"at_s": 5000, "for_s": 3}]})"));
  const RunDone cut = SendAndAwait(On(TwoHours(), "sim-1"));
  EXPECT_TRUE(cut.infrastructure_loss());
  EXPECT_EQ(cut.result().status(), "board_lost");
  const TrackerMessage order = Order("", 0, kCopy, kSimulatedPi);
  EXPECT_TRUE(SendAndAwait(On(order, "sim-1")).infrastructure_loss());
  EXPECT_TRUE(Eventually([&] {
    std::this_thread::sleep_for(milliseconds(100));
    return SendAndAwait(On(order, "sim-1")).result().status() == "ok";
  }));
}

TEST_F(SimulatedAgentTest, ARunAtTheScriptsPaceIsStoppedAtOnce) {
  Connect(Boards(1, R"({"pace": 1})"));
  const TrackerMessage order = On(TwoHours(), "sim-1");
  tracker_.Send(order);
  ASSERT_TRUE(Eventually([&] { return agent_->Below().size() > 1; })) << "it is emulated";
  ASSERT_TRUE(Eventually([&] { return agent_->Below().size() == 1; }));
  RunDone done;
  EXPECT_FALSE(tracker_.AwaitRunDone(&done, milliseconds(200)));
  tracker_.Send(StopOf(order.run().lease()));
  const auto begin = Clock::now();
  ASSERT_TRUE(tracker_.AwaitRunDone(&done));
  EXPECT_LT(Clock::now() - begin, milliseconds(500));
  EXPECT_TRUE(done.infrastructure_loss());
  agent_->Signal(SIGTERM);
  EXPECT_EQ(agent_->AwaitEnd(milliseconds(5'000)), 0);
  EXPECT_TRUE(agent_->TemporaryFiles().empty());
}

}  // namespace
}  // namespace halyard
