// How many uploads a tracker takes at once and for how long; and that its client waits for its
// turn.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "rpc_farm/client/farm_client.h"
#include "rpc_farm/proto/rpc_status.h"
#include "rpc_farm/tracker/server/tracker_server.h"
#include "tests/conformance/scratch_folder.h"
#include "tests/integration/farm_network/upload_client.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

class UploadLimits : public testing::Test {
 protected:
  // Under these an upload that is left open stays so.
  static FarmLimits Patient() {
    FarmLimits limits;
    limits.upload_pause = limits.upload_time = milliseconds(100'000);
    return limits;
  }
  void Serve(const FarmLimits& limits) {
    TrackerOptions options;
    options.address = "127.0.0.1:0";
    options.state = folder_.Path("state");
    options.limits = limits;
    auto tracker = TrackerServer::Start(options, log_);
    ASSERT_TRUE(tracker.ok()) << tracker.status();
    tracker_ = *std::move(tracker);
  }
  // Uploads that are open and have their place.
  std::vector<std::unique_ptr<OpenUpload>> Begin(UploadClient& client, size_t count) const {
    std::vector<std::unique_ptr<OpenUpload>> uploads;
    const size_t others = Parts();
    for (size_t i = 0; i < count; ++i) {
      uploads.push_back(client.Open());
      EXPECT_TRUE(uploads.back()->Name(client.session(), Sha256Hex(std::to_string(i)), 1000));
      EXPECT_TRUE(uploads.back()->Send("some"));
    }
    EXPECT_TRUE(Soon([&] { return Parts() == others + count; }));
    return uploads;
  }
  std::string Address() const { return "127.0.0.1:" + std::to_string(tracker_->port()); }

  // Each upload that has a place is a file.
  size_t Parts() const {
    size_t parts = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator(folder_.Path("state"))) {
      parts += file.path().extension() == ".part" ? 1 : 0;
    }
    return parts;
  }

  const FarmLog log_{"farm_tracker"};
  ScratchFolder folder_;
  std::unique_ptr<TrackerServer> tracker_;
};

bool SoonRefused(UploadClient& client, const std::string& why) {
  return Soon([&] {
    const grpc::Status status = client.Upload("anything");
    EXPECT_TRUE(status.ok() || status.error_code() == grpc::RESOURCE_EXHAUSTED);
    return status.error_message() == why && IsPassingLimit(FromRpc(status));
  });
}

TEST_F(UploadLimits, OneUserHasSoManyAndLeavesRoomForOthers) {
  FarmLimits limits = Patient();
  limits.uploads_of_user = 4;
  limits.uploads = 6;
  Serve(limits);
  UploadClient ann(Address(), "ann"), again(Address(), "ann"), bob(Address(), "bob");
  auto anns = Begin(ann, 4);
  // From another connection and session too.
  EXPECT_TRUE(SoonRefused(again, "ann sends 4 artifacts already, the most at once; wait a second"));
  EXPECT_TRUE(bob.Upload("bob's").ok());
  auto bobs = Begin(bob, 2);
  UploadClient eve(Address(), "eve");
  EXPECT_TRUE(SoonRefused(eve, "6 artifacts come in already, the most at once; wait a second"));
  anns.pop_back();
  EXPECT_TRUE(Soon([&] { return eve.Upload("eve's").ok(); }));
  bobs.clear();
  EXPECT_TRUE(Soon([&] { return again.Upload("ann's").ok(); }));
}

TEST_F(UploadLimits, TheClientWaitsForItsTurn) {
  FarmLimits limits = Patient();
  limits.uploads_of_user = 1;
  Serve(limits);
  UploadClient ann(Address(), "ann"), bob(Address(), "bob");
  auto open = Begin(ann, 1);
  UploadClient other(Address(), "ann");
  ASSERT_TRUE(SoonRefused(other, "ann sends 1 artifacts already, the most at once; wait a second"));
  FarmClientOptions options;
  options.address = Address();
  options.user = "ann";
  const auto client = FarmClient::Connect(options).value();
  const std::string path = folder_.Path("kernel.so"), bytes(100'000, 'k');
  std::ofstream(path) << bytes;
  const std::string digest = Sha256Hex(bytes);
  std::atomic<bool> stop{false};
  absl::Status ended;
  std::thread waits([&] {
    farm::v1::SubmitRequest submit;
    submit.set_device("rpi4");
    submit.set_time_limit_ms(1000);
    auto* artifact = submit.mutable_job()->add_artifacts();
    artifact->set_sha256(absl::HexStringToBytes(digest));
    artifact->set_size(bytes.size());
    const FarmArtifact named{artifact->sha256(), path, bytes.size()};
    ended = client->Measure(submit, {named}, stop, stop, [] { return absl::OkStatus(); }).status();
  });
  std::this_thread::sleep_for(milliseconds(1500));
  EXPECT_FALSE(bob.Has(digest)) << "the other upload is still open";
  open.clear();
  EXPECT_TRUE(Soon([&] { return bob.Has(digest); }));
  stop = true;
  waits.join();
  EXPECT_TRUE(absl::IsCancelled(ended)) << ended;
}

TEST_F(UploadLimits, OneThatStallsIsEndedAndLeavesItsPlace) {
  FarmLimits limits;
  limits.uploads_of_user = 1;
  limits.upload_pause = milliseconds(1000);
  limits.upload_time = milliseconds(4000);
  Serve(limits);
  UploadClient ann(Address(), "ann");
  const auto stalled = [](const grpc::Status& status) {
    EXPECT_EQ(status.error_code(), grpc::DEADLINE_EXCEEDED);
    return status.error_message();
  };
  const char kNothing[] = "nothing of the artifact came for 1000 ms; send it again";
  const auto silent = ann.Open();
  EXPECT_EQ(stalled(silent->Await()), kNothing) << "not even its name";
  auto begun = Begin(ann, 1);
  EXPECT_EQ(stalled(begun[0]->Await()), kNothing);
  // Chunks without data are no progress.
  const auto hollow = ann.Open();
  ASSERT_TRUE(hollow->Name(ann.session(), Sha256Hex("a"), 1));
  const auto from = Clock::now();
  while (hollow->Send("") && Clock::now() < from + milliseconds(5000)) {
    std::this_thread::sleep_for(milliseconds(50));
  }
  EXPECT_EQ(stalled(hollow->Await()), kNothing);
  // A byte now and then is some, and no way to keep a place for ever.
  const auto drip = ann.Open();
  ASSERT_TRUE(drip->Name(ann.session(), Sha256Hex("a"), 1'000'000));
  const auto began = Clock::now();
  while (drip->Send("a") && Clock::now() < began + milliseconds(10'000)) {
    std::this_thread::sleep_for(milliseconds(20));
  }
  EXPECT_EQ(stalled(drip->Await()), "the artifact was not here after 4000 ms; send it again");
  EXPECT_TRUE(ann.Upload("a whole one").ok());
  EXPECT_TRUE(ann.Has(Sha256Hex("a whole one")));
}

}  // namespace
}  // namespace halyard
