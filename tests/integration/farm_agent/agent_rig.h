// The real agent with real boards at a tracker that does what trackers should not, and some of what
// they should.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <thread>

#include "absl/strings/escaping.h"
#include "rpc_farm/sha256.h"
#include "tests/conformance/test_artifacts.h"
#include "tests/integration/farm_agent/agent_process.h"
#include "tests/integration/farm_agent/tracker_double.h"

namespace halyard {

using farm::v1::AgentMessage;
using farm::v1::Lease;
using farm::v1::TrackerMessage;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using RunDone = AgentMessage::RunDone;

inline constexpr char kCopy[] = "for (long i = 0; i < N; ++i) OUT[i] = IN[i];";
inline constexpr char kEndless[] = "for (;;) OUT[0] = IN[0];";
// Some 2 seconds in all: long enough to be at when something happens.
inline constexpr char kSlow[] =
    "for (long k = 0; k < 400000; ++k) for (long i = 0; i < N; ++i) OUT[i] = IN[i];";

inline constexpr char kDesk[] =
    R"({"boards": [{"name": "desk", "device": "host", "tags": ["lab"], "shared": true,
        "reset": "true", "power": "echo no relay >&2; exit 3"}]})";
inline constexpr char kBoth[] =
    R"({"boards": [{"name": "desk", "device": "host", "shared": true},
                   {"name": "pi", "device": "rpi4", "board": "virtual", "count": 2}]})";

class AgentTest : public testing::Test {
 protected:
  void Connect(const std::string& boards, const std::vector<std::string>& options = {}) {
    agent_ = std::make_unique<AgentProcess>(tracker_.address(), boards, options);
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
    const RunRequest request = ShortRun(device, Sha256Hex(bytes));
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

}  // namespace halyard
