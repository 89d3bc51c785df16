// A network that goes without a word, in one direction or both, between a real tracker and real
// agents and clients.
#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <thread>

#include "rpc_farm/security/grpc_log.h"
#include "tests/integration/farm_network/farm_network.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

// Keepalive's 10 s and 10 s, and what this machine is late by.
constexpr milliseconds kNotice{30'000};
// A board is lost 30 s after its agent was heard of last.
constexpr milliseconds kLost{40'000};
// Pauses of up to 10 s between an agent's or a client's tries.
constexpr milliseconds kBack{30'000};
constexpr int kRunMs = 6'000;

struct Hole {
  const char* name;
  std::vector<ProxyWay> ways;
  bool loses_the_run;  // the board's result does not come through
};
const Hole kHoles[] = {{"to-server", {ProxyWay::kToServer}, true},
                       {"to-client", {ProxyWay::kToClient}, false},
                       {"both", {ProxyWay::kToServer, ProxyWay::kToClient}, true}};

double Seconds(Clock::duration d) { return std::chrono::duration<double>(d).count(); }

// An agent and a client, each behind a proxy of its own with the same hole.
class Pair {
 public:
  Pair(NetworkFarm& farm, const Hole& hole)
      : hole_(hole), agent_proxy_(farm.StartProxy()), client_proxy_(farm.StartProxy()) {
    agent_ = farm.StartAgent(hole.name, 1, agent_proxy_.get());
    client_ = farm.Connect(std::string("user-") + hole.name, client_proxy_.get());
  }

  void Dig(bool on) {
    for (FarmProxy* proxy : {agent_proxy_.get(), client_proxy_.get()}) {
      for (const ProxyWay way : hole_.ways) proxy->SetBlackHole(way, on);
    }
  }
  const Hole& hole() const { return hole_; }
  std::string board() const { return std::string(hole_.name) + "-1"; }
  AgentProcess& agent() { return *agent_; }
  const std::shared_ptr<FarmClient>& client() { return client_; }

 private:
  const Hole& hole_;
  std::unique_ptr<FarmProxy> agent_proxy_, client_proxy_;
  std::unique_ptr<AgentProcess> agent_;
  std::shared_ptr<FarmClient> client_;
};

std::future<RunOutcome> Start(std::shared_ptr<FarmClient> client, const std::string& agent,
                              const RunRequest& request, const std::atomic<bool>& stop) {
  return std::async(std::launch::async, [=, &stop] {
    FarmExecutor executor(client, NetworkFarm::BoardOf(agent), stop);
    return executor.Run(request, milliseconds(40'000));
  });
}

struct Stopper {
  std::atomic<bool>& stop;
  ~Stopper() { stop = true; }
};

// One farm; several of these run at once, for they mostly wait.
void LiveThroughHoles(bool certificates) {
  SCOPED_TRACE(certificates ? "with certificates" : "without certificates");
  NetworkFarm farm(certificates);
  const auto steady = farm.StartAgent("steady", 3);
  std::vector<std::unique_ptr<Pair>> pairs;
  for (const Hole& hole : kHoles) pairs.push_back(std::make_unique<Pair>(farm, hole));
  const auto steady_client = farm.Connect("steady-user");
  ASSERT_TRUE(farm.SoonLive(6)) << steady->Log();
  const RunRequest request = farm.SleepingRun(kRunMs);

  std::atomic<bool> stop{false};
  // Of each pair a run on its board, whose result its agent cannot tell, and a run elsewhere, whose
  // result its client cannot hear.
  std::vector<std::future<RunOutcome>> on_boards, of_clients;
  std::vector<std::future<absl::Status>> calls;
  // What failed must not hold up the end: those above wait for their threads.
  const Stopper stopper{stop};
  for (const auto& pair : pairs) {
    on_boards.push_back(Start(steady_client, pair->hole().name, request, stop));
    of_clients.push_back(Start(pair->client(), "steady", request, stop));
  }
  ASSERT_TRUE(
      NetworkFarm::Eventually([&] { return farm.Status().running() == 6; }, milliseconds(20'000)));
  const auto began = Clock::now();
  for (const auto& pair : pairs) pair->Dig(true);

  // A call made in the meantime ends too: as soon as the tracker answers again.
  for (const auto& pair : pairs) {
    calls.push_back(std::async(std::launch::async, [&stop, client = pair->client()] {
      return client->Describe("rpi4", stop).status();
    }));
  }
  ASSERT_TRUE(NetworkFarm::Eventually([&] { return farm.Status().agents() == 1; }, kNotice))
      << "the tracker does not notice";
  const double tracker_noticed = Seconds(Clock::now() - began);
  for (const auto& pair : pairs) {
    const auto left = std::chrono::duration_cast<milliseconds>(began + kNotice - Clock::now());
    EXPECT_TRUE(pair->agent().AwaitEvents("tracker_lost", 1, left)) << pair->hole().name;
  }
  const double agents_noticed = Seconds(Clock::now() - began);
  // They are requeued, and no board but their own can run them.
  ASSERT_TRUE(NetworkFarm::Eventually(
      [&] {
        uint64_t losses = 0;
        for (const auto& pair : pairs) losses += farm.Board(pair->board()).losses();
        return losses == 2;
      },
      kLost))
      << farm.Status().DebugString() << farm.tracker().process().Log();
  const double requeued = Seconds(Clock::now() - began);
  for (const auto& pair : pairs) pair->Dig(false);
  const auto closed = Clock::now();

  for (size_t i = 0; i < pairs.size(); ++i) {
    SCOPED_TRACE(kHoles[i].name);
    ASSERT_EQ(on_boards[i].wait_for(kBack + milliseconds(2 * kRunMs)), std::future_status::ready);
    EXPECT_EQ(on_boards[i].get().status, RunStatus::kOk);
    ASSERT_EQ(of_clients[i].wait_for(kBack), std::future_status::ready);
    EXPECT_EQ(of_clients[i].get().status, RunStatus::kOk);
    ASSERT_EQ(calls[i].wait_for(kBack), std::future_status::ready);
    EXPECT_TRUE(calls[i].get().ok());
    // The result of before was told, or told again, after the hole, and refused.
    const auto board = farm.Board(pairs[i]->board());
    EXPECT_EQ(board.epoch(), kHoles[i].loses_the_run ? 2u : 1u);
    EXPECT_EQ(board.losses(), kHoles[i].loses_the_run ? 1u : 0u);
    EXPECT_EQ(board.done(), 1u);
    EXPECT_FALSE(pairs[i]->agent().Events("result_refused").empty()) << pairs[i]->agent().Log();
    EXPECT_EQ(pairs[i]->agent().OtherLines(), std::vector<std::string>());
  }
  EXPECT_EQ(farm.tracker().process().OtherLines(), std::vector<std::string>());
  const double back = Seconds(Clock::now() - closed);
  const auto status = farm.Status();
  EXPECT_EQ(status.ended(), 6u) << "each once";
  EXPECT_EQ(status.running(), 0u);
  EXPECT_EQ(status.waiting_size(), 0);
  printf(
      "%s certificates: the tracker noticed in %.1f s, agents in %.1f s; requeued at %.1f s; "
      "all ended %.1f s after\n",
      certificates ? "with" : "without", tracker_noticed, agents_noticed, requeued, back);
}

// A client that does not wait for ever is told, and one that is told to stop does.
void GiveUpInAHole() {
  NetworkFarm farm(/*certificates=*/false);
  const auto agent = farm.StartAgent("sim");
  ASSERT_TRUE(farm.SoonLive(1)) << agent->Log();
  const auto proxy = farm.StartProxy();
  auto impatient = farm.Connect("ann", proxy.get(), seconds(5));
  auto patient = farm.Connect("bob", proxy.get(), seconds(300));
  const RunRequest request = farm.SleepingRun(kRunMs);
  std::atomic<bool> stop{false};
  const auto timed = [&](const std::shared_ptr<FarmClient>& client) {
    return std::async(std::launch::async, [&, client = client]() mutable {
      FarmExecutor executor(std::move(client), NetworkFarm::BoardOf("sim"), stop);
      const auto began = Clock::now();
      const RunOutcome outcome = executor.Run(request, milliseconds(40'000));
      return std::pair(outcome, Seconds(Clock::now() - began));
    });
  };
  for (const ProxyWay way : {ProxyWay::kToServer, ProxyWay::kToClient}) {
    proxy->SetBlackHole(way, true);
  }
  auto tired = timed(impatient);
  auto stopped = timed(patient);
  auto told = std::async(std::launch::async, [&] {
    const auto began = Clock::now();
    const absl::Status status = patient->Describe("rpi4", stop).status();
    return std::pair(status, Seconds(Clock::now() - began));
  });
  const auto [outcome, gave_up] = tired.get();
  EXPECT_EQ(outcome.status, RunStatus::kBoardLost) << outcome.message;
  EXPECT_LT(gave_up, 30);
  const auto began = Clock::now();
  stop = true;
  const RunOutcome end = stopped.get().first;
  EXPECT_EQ(end.status, RunStatus::kInfra) << end.message;
  EXPECT_TRUE(absl::IsCancelled(told.get().first));
  impatient.reset();
  patient.reset();  // says goodbye for a second, if nobody hears
  EXPECT_LT(Seconds(Clock::now() - began), 8);
}

TEST(HalfOpen, BothEndsNoticeAndEveryRequestEndsOnce) {
  KeepGrpcQuiet();  // as tune does
  std::thread others[] = {std::thread(LiveThroughHoles, true), std::thread(GiveUpInAHole)};
  LiveThroughHoles(false);
  for (std::thread& other : others) other.join();
}

}  // namespace
}  // namespace halyard
