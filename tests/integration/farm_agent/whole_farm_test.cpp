// Client, tracker and agent as they are, over mutual TLS: a tuner's executor on one side, boards on
// the other.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "rpc_farm/client/farm_executor.h"
#include "rpc_farm/security/certificate_authority.h"
#include "rpc_farm/tracker/server/tracker_server.h"
#include "targets/device_snapshot.h"
#include "tests/conformance/test_artifacts.h"
#include "tests/integration/farm_agent/agent_process.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;

constexpr char kCopy[] = "for (long i = 0; i < N; ++i) OUT[i] = IN[i];";
constexpr char kSlow[] =
    "for (long k = 0; k < 400000; ++k) for (long i = 0; i < N; ++i) OUT[i] = IN[i];";
constexpr char kBoards[] =
    R"({"boards": [{"name": "desk", "device": "host", "shared": true},
                   {"name": "pi", "device": "rpi4", "board": "virtual", "count": 2}]})";

class WholeFarm : public testing::Test {
 protected:
  void SetUp() override {
    const absl::Time now = absl::Now();
    ASSERT_TRUE(
        CertificateAuthority::Create(Folder("ca"), {"localhost", "127.0.0.1"}, "root", now).ok());
    Enroll(FarmRole::kAgent, "test-agent");
    Enroll(FarmRole::kClient, "alice");
    TrackerOptions options;
    options.address = "127.0.0.1:0";
    options.state = Folder("state");
    options.certificates = Folder("ca/tracker");
    auto tracker = TrackerServer::Start(options, log_);
    ASSERT_TRUE(tracker.ok()) << tracker.status();
    tracker_ = *std::move(tracker);
    StartAgent();
    FarmClientOptions client;
    client.address = Address();
    client.certificates = Folder("alice");
    auto connected = FarmClient::Connect(client);
    ASSERT_TRUE(connected.ok()) << connected.status();
    client_ = *std::move(connected);
  }
  void TearDown() override {
    if (HasFailure() && agent_ != nullptr) std::cerr << agent_->Log();
  }
  void Enroll(FarmRole role, const std::string& name) {
    auto authority = CertificateAuthority::Open(Folder("ca"));
    ASSERT_TRUE(authority.ok()) << authority.status();
    const absl::Time now = absl::Now();
    const auto enrolment = authority->Issue({role, name}, {}, {now, now + absl::Hours(1)}, now);
    ASSERT_TRUE(enrolment.ok()) << enrolment.status();
    ASSERT_TRUE(WriteHolderFolder(Folder(name), *enrolment).ok());
  }
  void StartAgent() {
    agent_ = std::make_unique<AgentProcess>(
        Address(), kBoards, std::vector<std::string>{"--certificates", Folder("test-agent")});
  }
  std::string Address() const { return "127.0.0.1:" + std::to_string(tracker_->port()); }
  std::string Folder(const std::string& name) const { return folder_.Path(name); }
  static FarmTarget TargetOf(const Device& device) {
    FarmTarget target;
    target.device = device.id;
    target.kind = device.board_kind();
    target.snapshot = DeviceSnapshot(device).dump();
    return target;
  }
  RunRequest Request(const Device& device, const std::string& body) {
    const std::string path = Folder(device.id + ".so");
    BuildCKernel(device, path, body);
    return ShortRun(device, path);
  }

  const FarmLog log_{"farm_tracker"};
  ScratchFolder folder_;
  std::unique_ptr<TrackerServer> tracker_;
  std::unique_ptr<AgentProcess> agent_;
  std::shared_ptr<FarmClient> client_;
  const std::atomic<bool> stop_{false};
};

TEST_F(WholeFarm, AKernelRunsOnAPhysicalBoardAndCountsOnAVirtualOneAsItDoesHere) {
  const Device host = LoadDevice("host").value();
  FarmExecutor local(client_, TargetOf(host), stop_);
  const RunOutcome timed = local.Run(Request(host, kCopy), milliseconds(20'000));
  ASSERT_EQ(timed.status, RunStatus::kOk) << timed.message;
  EXPECT_EQ(local.board_id(), "desk");
  EXPECT_EQ(timed.reply.candidates.at(0).at(0).samples_ns.size(), 3u);

  const Device pi = LoadDevice("rpi4", "virtual").value();
  FarmExecutor emulated(client_, TargetOf(pi), stop_);
  const RunRequest request = Request(pi, kCopy);
  const RunOutcome there = emulated.Run(request, milliseconds(20'000));
  const RunOutcome here = MakeExecutor(pi).value()->Run(request, milliseconds(20'000));
  ASSERT_EQ(there.status, RunStatus::kOk) << there.message;
  EXPECT_EQ(there.reply.candidates.at(0).at(0).serial_cycles,
            here.reply.candidates.at(0).at(0).serial_cycles);
}

TEST_F(WholeFarm, ARunWhoseAgentIsKilledIsRunAgainWhenItIsBack) {
  const Device host = LoadDevice("host").value();
  FarmExecutor local(client_, TargetOf(host), stop_);
  ASSERT_EQ(local.Run(Request(host, kCopy), milliseconds(20'000)).status, RunStatus::kOk);
  const size_t idle = agent_->Below().size();
  std::thread killer([&] {
    for (int i = 0; i < 1000 && agent_->Below().size() <= idle; ++i) {
      std::this_thread::sleep_for(milliseconds(5));
    }
    agent_->Signal(SIGKILL);
    agent_->AwaitEnd(milliseconds(5'000));
    StartAgent();
  });
  const RunOutcome outcome = local.Run(Request(host, kSlow), milliseconds(20'000));
  killer.join();
  EXPECT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
}

// Not taken for a session that the tracker does not know, which would be waited for.
TEST_F(WholeFarm, AnArtifactThatVanishedIsToldAndHoldsNobodyUp) {
  const Device host = LoadDevice("host").value();
  farm::v1::SubmitRequest submit;
  submit.set_device(host.id);
  submit.set_time_limit_ms(20'000);
  const FarmArtifact gone{std::string(32, 'a'), Folder("gone.so"), 8};
  auto* artifact = submit.mutable_job()->add_artifacts();
  artifact->set_sha256(gone.sha256);
  artifact->set_size(gone.size);
  const auto result =
      client_->Measure(submit, {gone}, stop_, stop_, [] { return absl::OkStatus(); });
  EXPECT_EQ(result.status().code(), absl::StatusCode::kFailedPrecondition) << result.status();
  FarmExecutor local(client_, TargetOf(host), stop_);
  EXPECT_EQ(local.Run(Request(host, kCopy), milliseconds(20'000)).status, RunStatus::kOk);
}

}  // namespace
}  // namespace halyard
