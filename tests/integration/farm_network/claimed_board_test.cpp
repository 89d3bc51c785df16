// Agents of the test's own at the real tracker: two that want one board name at the same moment,
// and such as lose their board again and again.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <barrier>
#include <future>
#include <thread>

#include "rpc_farm/proto/agreement.h"
#include "rpc_farm/security/server_setup.h"
#include "tests/integration/farm_network/farm_network.h"

namespace halyard {
namespace {

using farm::v1::AgentMessage;
using farm::v1::RequestResult;
using farm::v1::TrackerMessage;
using testing::StartsWith;

constexpr int kRaces = 1'000;

// One agent's connections, one after another.
class Claimant {
 public:
  Claimant(const std::string& tracker, std::string name) : name_(std::move(name)) {
    auto arguments = FarmChannelArguments();
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stub_ = farm::v1::Agents::NewStub(
        grpc::CreateCustomChannel(tracker, grpc::InsecureChannelCredentials(), arguments));
  }
  ~Claimant() { HangUp(); }

  // Says Hello and waits for the answer; the verdict on the board, "" where it is taken.
  std::string Claim(const std::string& board) {
    HangUp();
    context_ = std::make_unique<grpc::ClientContext>();
    context_->set_deadline(std::chrono::system_clock::now() + 2 * kFarmSoon);
    stream_ = stub_->Connect(context_.get());
    AgentMessage message;
    auto& hello = *message.mutable_hello();
    hello.set_protocol(kFarmProtocolVersion);
    hello.set_agent(name_);
    auto* offer = hello.add_boards();
    offer->set_name(board);
    offer->set_device("flaky");
    offer->set_kind("physical");
    stream_->Write(message);
    TrackerMessage answer;
    if (!stream_->Read(&answer) || !answer.has_welcome()) return "no welcome";
    return answer.welcome().boards(0).refused();
  }
  // The next message of the kind that `is` tells; an empty one where the stream ends first.
  TrackerMessage Await(bool (TrackerMessage::*is)() const) {
    TrackerMessage message;
    while (stream_->Read(&message)) {
      if ((message.*is)()) return message;
    }
    return {};
  }
  void Send(const AgentMessage& message) { stream_->Write(message); }
  void HangUp() {
    if (stream_ == nullptr) return;
    context_->TryCancel();
    (void)AwaitEnd();
  }
  // What the tracker ends the connection with.
  grpc::Status AwaitEnd() {
    TrackerMessage message;
    while (stream_->Read(&message)) {
    }
    const grpc::Status status = stream_->Finish();
    stream_.reset();
    return status;
  }

 private:
  const std::string name_;
  std::unique_ptr<farm::v1::Agents::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReaderWriter<AgentMessage, TrackerMessage>> stream_;
};

TEST(ClaimedBoard, OfTwoAgentsAtOnceOneHasItAndTheOtherIsTold) {
  TrackerProgram tracker;
  Claimant agents[] = {{tracker.address(), "left"}, {tracker.address(), "right"}};
  const std::string names[] = {"left", "right"};
  std::string verdicts[2];
  int won[2] = {0, 0};
  std::barrier start(2);
  std::barrier end(2, [&]() noexcept {
    const size_t winner = verdicts[0].empty() ? 0 : 1;
    const int race = ++won[winner] + won[1 - winner];
    EXPECT_EQ(verdicts[winner], "");
    EXPECT_EQ(verdicts[1 - winner],
              fmt::format("board pi-{} is held by agent {}", race, names[winner]));
  });
  const auto run = [&](size_t me) {
    for (int race = 1; race <= kRaces; ++race) {
      agents[me].HangUp();
      start.arrive_and_wait();
      verdicts[me] = agents[me].Claim("pi-" + std::to_string(race));
      end.arrive_and_wait();
    }
  };
  std::thread other(run, 1);
  run(0);
  other.join();
  printf("%d races: left had the board %d times, right %d times\n", kRaces, won[0], won[1]);
  EXPECT_EQ(won[0] + won[1], kRaces);
  const auto status = tracker.Status();
  EXPECT_EQ(status.boards_size(), kRaces);
}

TEST(ClaimedBoard, WhoWasRefusedIsCalledBackWhenTheHolderIsLost) {
  TrackerProgram tracker;
  Claimant left(tracker.address(), "left"), right(tracker.address(), "right");
  ASSERT_EQ(left.Claim("pi"), "");
  ASSERT_EQ(right.Claim("pi"), "board pi is held by agent left");
  left.HangUp();
  const auto gone = std::chrono::steady_clock::now();
  const grpc::Status told = right.AwaitEnd();
  EXPECT_EQ(told.error_code(), grpc::ABORTED);
  EXPECT_EQ(told.error_message(), "board pi can be had now: say Hello again");
  EXPECT_LT(std::chrono::steady_clock::now() - gone, std::chrono::seconds(31));
  EXPECT_EQ(right.Claim("pi"), "");
}

class FlappingBoard : public testing::Test {
 protected:
  // A request that any board may have; nothing runs it for good.
  std::future<RequestResult> Submit() {
    return std::async(std::launch::async, [this] {
      farm::v1::SubmitRequest request;
      request.set_device("flaky");
      request.set_time_limit_ms(60'000);
      request.mutable_job()->set_run_request("{}");
      const auto result =
          client_->Measure(request, {}, never_, never_, [] { return absl::OkStatus(); });
      EXPECT_TRUE(result.ok()) << result.status();
      return result.ok() ? *result : RequestResult();
    });
  }
  std::string Health() const { return tracker_.Status().boards(0).health(); }
  bool SoonQuarantined() const {
    return NetworkFarm::Eventually([&] { return Health().starts_with("quarantined: "); });
  }
  void ExpectQuarantinedAfterThree(std::future<RequestResult>& request) {
    EXPECT_TRUE(SoonQuarantined()) << Health();
    EXPECT_THAT(Health(), StartsWith("quarantined: 3 failures in 10 minutes, the last: "));
    EXPECT_EQ(tracker_.Status().boards(0).losses(), 3u);
    const RequestResult result = request.get();
    EXPECT_EQ(result.end(), RequestResult::LOST) << "no other board could run it";
    EXPECT_EQ(result.losses(), 3u);
  }

  TrackerProgram tracker_;
  const std::atomic<bool> never_{false};
  std::shared_ptr<FarmClient> client_ = [this] {
    FarmClientOptions options;
    options.address = tracker_.address();
    options.user = "ann";
    return std::shared_ptr<FarmClient>(FarmClient::Connect(options).value());
  }();
  Claimant agent_{tracker_.address(), "shelf"};
};

TEST_F(FlappingBoard, ThatLosesEveryRunIsQuarantinedAtTheThird) {
  ASSERT_EQ(agent_.Claim("pi"), "");
  auto request = Submit();
  for (int i = 1; i <= 3; ++i) {
    EXPECT_THAT(Health(), testing::Not(StartsWith("quarantined")));
    const TrackerMessage run = agent_.Await(&TrackerMessage::has_run);
    ASSERT_TRUE(run.has_run()) << i;
    AgentMessage lost;
    *lost.mutable_run_done()->mutable_lease() = run.run().lease();
    lost.mutable_run_done()->set_infrastructure_loss(true);
    lost.mutable_run_done()->mutable_result()->set_message("the cable is loose");
    agent_.Send(lost);
  }
  ExpectQuarantinedAfterThree(request);
  EXPECT_TRUE(agent_.Await(&TrackerMessage::has_remedy).has_remedy()) << "it is to be mended";
}

TEST_F(FlappingBoard, WhoseAgentComesAndGoesIsQuarantinedAtTheThirdRunThatThatCost) {
  auto request = Submit();
  for (int i = 1; i <= 3; ++i) {
    ASSERT_EQ(agent_.Claim("pi"), "");
    EXPECT_THAT(Health(), testing::Not(StartsWith("quarantined")));
    ASSERT_TRUE(agent_.Await(&TrackerMessage::has_run).has_run()) << i;
    agent_.HangUp();
  }
  ASSERT_EQ(agent_.Claim("pi"), "");
  ExpectQuarantinedAfterThree(request);
}

}  // namespace
}  // namespace halyard
