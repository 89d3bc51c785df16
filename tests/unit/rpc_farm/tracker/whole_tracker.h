// A tracker with its store on disk and a clock of its own, for tests; it can be killed.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "rpc_farm/sha256.h"
#include "rpc_farm/temporary_folder.h"
#include "rpc_farm/tracker/tracker.h"

namespace halyard {

class WholeTracker : public testing::Test {
 protected:
  using AgentMessage = farm::v1::AgentMessage;
  using Result = farm::v1::RequestResult;

  WholeTracker() {
    artifacts_ = *ArtifactStore::Open(folder_.path() + "/artifacts", int64_t{1} << 20);
    Restart();
  }

  // As kill -9 does: what was not settled is gone.
  void Restart() {
    tracker_.reset();
    store_.reset();
    auto store = TrackerStore::Open(folder_.path() + "/tracker.db");
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    tracker_ = std::make_unique<Tracker>(*store_, *artifacts_);
    ASSERT_TRUE(tracker_->Restore(now_).ok());
  }

  std::string Open(const std::string& user = "ann") {
    const auto session = tracker_->OpenSession(user, "a search", now_);
    EXPECT_TRUE(session.ok()) << session.status();
    return *session;
  }

  static farm::v1::SubmitRequest Request(const std::string& session, uint64_t number) {
    farm::v1::SubmitRequest submit;
    submit.set_session(session);
    submit.set_number(number);
    submit.set_device("rpi4");
    submit.set_time_limit_ms(600'000);
    submit.mutable_job()->set_run_request("{}");
    return submit;
  }
  absl::Status Submit(const std::string& session, uint64_t number,
                      const std::string& user = "ann") {
    return tracker_->Submit(user, Request(session, number), now_).status();
  }

  void ConnectAgent(SessionId session, const std::vector<std::string>& boards,
                    const std::vector<farm::v1::Lease>& running = {},
                    const std::string& kind = "physical") {
    AgentMessage::Hello hello;
    hello.set_protocol(kFarmProtocolVersion);
    for (const std::string& name : boards) {
      auto* board = hello.add_boards();
      board->set_name(name);
      board->set_device("rpi4");
      board->set_kind(kind);
    }
    for (const farm::v1::Lease& lease : running) *hello.add_running() = lease;
    const absl::Status status = tracker_->Connect(session, "shelf", hello, now_);
    EXPECT_TRUE(status.ok()) << status;
  }

  TrackerOutput Settle() {
    auto output = tracker_->Settle(now_);
    EXPECT_TRUE(output.ok()) << output.status();
    return *std::move(output);
  }
  static std::vector<farm::v1::Lease> Runs(const TrackerOutput& output) {
    std::vector<farm::v1::Lease> leases;
    for (const auto& [session, message] : output.to_agents) {
      if (message.has_run()) leases.push_back(message.run().lease());
    }
    return leases;
  }
  static AgentMessage Done(const farm::v1::Lease& lease, bool lost = false) {
    AgentMessage message;
    *message.mutable_run_done()->mutable_lease() = lease;
    message.mutable_run_done()->set_infrastructure_loss(lost);
    message.mutable_run_done()->mutable_result()->set_status("ok");
    message.mutable_run_done()->mutable_result()->set_reply("of " + lease.request());
    return message;
  }
  farm::v1::AcknowledgeRequest Acknowledgement(const std::string& session,
                                               std::vector<uint64_t> numbers) {
    farm::v1::AcknowledgeRequest request;
    request.set_session(session);
    for (const uint64_t n : numbers) request.add_numbers(n);
    return request;
  }
  // Stored, and its digest in bytes.
  std::string Store(const std::string& bytes) {
    const std::string digest = Sha256Hex(bytes);
    auto upload = artifacts_->Begin(digest, bytes.size());
    EXPECT_TRUE(upload.ok()) << upload.status();
    for (size_t at = 0; at < bytes.size(); at += kArtifactChunkBytes) {
      EXPECT_TRUE((*upload)->Append(bytes.substr(at, kArtifactChunkBytes)).ok());
    }
    EXPECT_TRUE((*upload)->Finish().ok());
    return absl::HexStringToBytes(digest);
  }
  void Wait(int64_t ms) { now_ += FarmDuration(ms); }

  TemporaryFolder folder_;
  FarmTime now_{FarmDuration(1'000'000)};
  std::unique_ptr<ArtifactStore> artifacts_;
  std::unique_ptr<TrackerStore> store_;
  std::unique_ptr<Tracker> tracker_;
};

}  // namespace halyard
