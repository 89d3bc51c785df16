#include "rpc_farm/tracker/tracker.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "tests/unit/rpc_farm/tracker/whole_tracker.h"

namespace halyard {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

class TrackerTest : public WholeTracker {};

TEST_F(TrackerTest, ARequestRunsAndItsResultIsKeptUntilItIsAcknowledged) {
  const std::string session = Open();
  ASSERT_TRUE(Submit(session, 1).ok());
  ConnectAgent(1, {"pi"});
  const auto runs = Runs(Settle());
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0].board(), "pi");
  tracker_->Receive(1, Done(runs[0]), now_);
  EXPECT_TRUE(Settle().to_clients.empty()) << "nobody listens yet";
  ASSERT_TRUE(tracker_->Attach("ann", session).ok());
  for (int i = 0; i < 2; ++i) {  // the second after a restart
    const TrackerOutput output = Settle();
    ASSERT_EQ(output.to_clients.size(), 1u);
    EXPECT_EQ(output.to_clients[0].result.end(), Result::DONE);
    EXPECT_EQ(output.to_clients[0].result.result().reply(), "of " + RequestId(session, 1));
    EXPECT_EQ(output.to_clients[0].result.result().board(), "pi");
    Restart();
    ASSERT_TRUE(tracker_->Attach("ann", session).ok());
  }
  EXPECT_TRUE(tracker_->Acknowledge("ann", Acknowledgement(session, {1})).ok());
  (void)Settle();
  Restart();
  ASSERT_TRUE(tracker_->Attach("ann", session).ok());
  EXPECT_TRUE(Settle().to_clients.empty());
  EXPECT_TRUE(store_->Load()->farm.requests.empty());
}

TEST_F(TrackerTest, ARetryIsOneRequestAndAReplayIsRefusedAfterARestartToo) {
  const std::string session = Open();
  ConnectAgent(1, {"pi"});
  for (uint64_t n = 1; n <= 3; ++n) {
    ASSERT_TRUE(Submit(session, n).ok());
    EXPECT_EQ(Submit(session, n).code(), StatusCode::kAlreadyExists);
    const auto runs = Runs(Settle());
    ASSERT_EQ(runs.size(), 1u);
    tracker_->Receive(1, Done(runs[0]), now_);
    (void)Settle();
    EXPECT_EQ(Submit(session, n).code(), StatusCode::kAlreadyExists);
  }
  // Out of order: what is above the floor is remembered too.
  EXPECT_TRUE(tracker_->Acknowledge("ann", Acknowledgement(session, {3, 1})).ok());
  (void)Settle();
  Restart();
  ConnectAgent(2, {"pi"});
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Submit(session, 1).code(), StatusCode::kFailedPrecondition);
    EXPECT_EQ(Submit(session, 3).code(), StatusCode::kFailedPrecondition);
    EXPECT_EQ(Submit(session, 2).code(), StatusCode::kAlreadyExists);
  }
  EXPECT_TRUE(Runs(Settle()).empty());
  EXPECT_EQ(tracker_->figures().replays, 200u);
  EXPECT_EQ(Submit(session, 0).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Submit(session, 1 + kMostNumbersAhead + 1).code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(Submit(session, 4).ok());
}

TEST_F(TrackerTest, ASessionIsItsOwnersAlone) {
  const std::string session = Open("ann");
  EXPECT_EQ(Submit(session, 1, "bob").code(), StatusCode::kNotFound);
  EXPECT_EQ(tracker_->Attach("bob", session).code(), StatusCode::kNotFound);
  EXPECT_EQ(tracker_->CloseSession("bob", session, now_).code(), StatusCode::kNotFound);
  EXPECT_EQ(Submit("0123", 1).code(), StatusCode::kNotFound);
  EXPECT_TRUE(Submit(session, 1, "").ok()) << "without certificates its name is the right to it";
  for (int i = 1; i < kMostSessionsPerUser; ++i) (void)Open("ann");
  EXPECT_EQ(tracker_->OpenSession("ann", "", now_).status().code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(tracker_->OpenSession("bob", "", now_).ok());
}

TEST_F(TrackerTest, WhatARequestLacksIsSaid) {
  const std::string session = Open();
  auto refused = [&](auto change, StatusCode code, const std::string& text) {
    farm::v1::SubmitRequest submit = Request(session, 1);
    change(submit);
    const absl::Status status = tracker_->Submit("ann", submit, now_).status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(text));
  };
  refused([](auto& s) { s.set_device(""); }, StatusCode::kInvalidArgument, "device");
  refused([](auto& s) { s.set_time_limit_ms(0); }, StatusCode::kInvalidArgument, "time_limit_ms");
  refused([](auto& s) { s.set_time_limit_ms(uint64_t{1} << 63); }, StatusCode::kInvalidArgument,
          "time_limit_ms");
  refused([](auto& s) { s.add_tags("kind:physical"); }, StatusCode::kInvalidArgument, "tags");
  refused([](auto& s) { s.mutable_job()->add_artifacts()->set_sha256("short"); },
          StatusCode::kInvalidArgument, "digest");
  refused([](auto& s) { s.mutable_job()->set_run_request(std::string(2 << 20, ' ')); },
          StatusCode::kResourceExhausted, "run_request");
  refused(
      [](auto& s) {
        for (int i = 0; i <= kMostArtifactsPerJob; ++i) {
          s.mutable_job()->add_artifacts()->set_sha256(std::string(32, 'a'));
        }
      },
      StatusCode::kResourceExhausted, "artifacts");
  EXPECT_TRUE(Submit(session, 1).ok()) << "no number was used up";
}

TEST_F(TrackerTest, MissingArtifactsAreNamedAndPinnedOnesStay) {
  const std::string session = Open();
  farm::v1::SubmitRequest submit = Request(session, 1);
  const std::string bytes(600'000, 'k');
  submit.mutable_job()->add_artifacts()->set_sha256(absl::HexStringToBytes(Sha256Hex(bytes)));
  auto reply = tracker_->Submit("ann", submit, now_);
  ASSERT_TRUE(reply.ok());
  ASSERT_EQ(reply->missing_size(), 1);
  EXPECT_EQ(reply->missing(0), submit.job().artifacts(0).sha256());
  EXPECT_EQ(tracker_->Status(now_).waiting_size(), 0);
  const std::string digest = absl::BytesToHexString(Store(bytes));
  reply = tracker_->Submit("ann", submit, now_);
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->missing_size(), 0);
  // Another one makes it too much for the store, twice: the pinned one stays.
  (void)Store(std::string(600'000, 'l'));
  (void)Store(std::string(600'000, 'm'));
  EXPECT_TRUE(artifacts_->Has(digest));
  farm::v1::CancelRequest cancel;
  cancel.set_session(session);
  cancel.add_numbers(1);
  ASSERT_TRUE(tracker_->Cancel("ann", cancel, now_).ok());
  (void)Settle();
  (void)Store(std::string(600'000, 'n'));
  EXPECT_FALSE(artifacts_->Has(digest));
}

TEST_F(TrackerTest, ASessionWithoutAClientExpiresWithItsRequests) {
  const std::string session = Open();
  ConnectAgent(1, {"pi"});
  ASSERT_TRUE(Submit(session, 1).ok());
  ASSERT_TRUE(Submit(session, 2).ok());
  const auto runs = Runs(Settle());
  ASSERT_TRUE(tracker_->Attach("ann", session).ok());
  Wait(100'000);
  tracker_->Receive(1, {}, now_);
  (void)Settle();
  EXPECT_EQ(tracker_->Status(now_).sessions(), 1u) << "it listens";
  tracker_->Detach(session, now_);
  EXPECT_EQ(tracker_->NextDeadline(), now_ + FarmDuration(30'000)) << "the agent's";
  Wait(29'000);
  tracker_->Receive(1, {}, now_);
  Wait(29'000);
  tracker_->Receive(1, {}, now_);
  (void)Settle();
  EXPECT_EQ(tracker_->Status(now_).sessions(), 1u);
  Wait(2'000);
  const TrackerOutput output = Settle();
  EXPECT_EQ(tracker_->Status(now_).sessions(), 0u);
  EXPECT_EQ(Submit(session, 3).code(), StatusCode::kNotFound);
  bool stopped = false;
  for (const auto& [to, message] : output.to_agents) stopped = stopped || message.has_stop();
  EXPECT_TRUE(stopped);
  tracker_->Receive(1, Done(runs[0]), now_);
  EXPECT_TRUE(Runs(Settle()).empty());
  EXPECT_TRUE(store_->Load()->farm.requests.empty());
  EXPECT_TRUE(store_->Load()->sessions.empty());
}

TEST_F(TrackerTest, ALateResultOfAnotherBoardOrEpochIsRefusedAndTold) {
  const std::string session = Open();
  ASSERT_TRUE(tracker_->Attach("ann", session).ok());
  ConnectAgent(1, {"a", "b"});
  for (uint64_t n = 1; n <= 2; ++n) ASSERT_TRUE(Submit(session, n).ok());
  const auto runs = Runs(Settle());
  ASSERT_EQ(runs.size(), 2u);
  auto wrong = [&](SessionId from, const farm::v1::Lease& lease) {
    tracker_->Receive(from, Done(lease), now_);
    const TrackerOutput output = Settle();
    EXPECT_TRUE(output.to_clients.empty());
    ASSERT_EQ(output.to_agents.size(), 1u);
    EXPECT_TRUE(output.to_agents[0].message.taken().refused());
  };
  farm::v1::Lease old = runs[0];
  old.set_epoch(old.epoch() - 1);
  farm::v1::Lease other_board = runs[0];
  other_board.set_board(runs[1].board());
  farm::v1::Lease other_request = runs[0];
  other_request.set_request(runs[1].request());
  for (int i = 0; i < 100; ++i) {
    for (const auto& lease : {old, other_board, other_request}) wrong(1, lease);
  }
  EXPECT_EQ(tracker_->figures().refused_results, 300u);
  // Nor may somebody else answer for it, whatever it knows.
  AgentMessage::Hello hello;
  hello.set_protocol(kFarmProtocolVersion);
  ASSERT_TRUE(tracker_->Connect(2, "stranger", hello, now_).ok());
  (void)Settle();
  wrong(2, runs[0]);
  tracker_->Receive(1, Done(runs[0]), now_);
  EXPECT_EQ(Settle().to_clients.size(), 1u);
  wrong(1, runs[0]);
}

TEST_F(TrackerTest, TheFirstCanaryOfADeviceIsItsRuler) {
  ConnectAgent(1, {"a", "b"});
  (void)Settle();
  AgentMessage report;
  report.mutable_board_report()->set_board("a");
  report.mutable_board_report()->set_canary_ns(1000);
  tracker_->Receive(1, report, now_);
  const TrackerOutput output = Settle();
  ASSERT_EQ(output.to_agents.size(), 1u);
  EXPECT_EQ(output.to_agents[0].message.ruler().canary_ns(), 1000);
  report.mutable_board_report()->set_board("b");
  report.mutable_board_report()->set_canary_ns(1100);
  tracker_->Receive(1, report, now_);
  EXPECT_TRUE(Settle().to_agents.empty());
  // Hot: it gets nothing until it is cool.
  report.mutable_board_report()->set_cooling(true);
  tracker_->Receive(1, report, now_);
  const std::string session = Open();
  for (uint64_t n = 1; n <= 2; ++n) ASSERT_TRUE(Submit(session, n).ok());
  const auto runs = Runs(Settle());
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0].board(), "a");
  report.mutable_board_report()->set_cooling(false);
  tracker_->Receive(1, report, now_);
  EXPECT_EQ(Runs(Settle()).size(), 1u);
  Restart();
  ConnectAgent(3, {"c"});
  const TrackerOutput again = Settle();
  ASSERT_EQ(again.to_agents.size(), 1u);
  EXPECT_EQ(again.to_agents[0].message.welcome().boards(0).ruler_canary_ns(), 1000);
}

// Told by its agent, or found by the tracker itself.
TEST_F(TrackerTest, EveryLossOfARunIsCounted) {
  const std::string session = Open();
  ConnectAgent(1, {"pi"});
  ASSERT_TRUE(Submit(session, 1).ok());
  const auto first = Runs(Settle());
  tracker_->Receive(1, Done(first.at(0), /*lost=*/true), now_);
  ASSERT_EQ(Runs(Settle()).size(), 1u);
  EXPECT_EQ(tracker_->Status(now_).boards(0).losses(), 1u);
  Wait(30'000);  // its agent is not heard of
  (void)Settle();
  EXPECT_EQ(tracker_->Status(now_).boards(0).losses(), 2u);
  EXPECT_EQ(tracker_->figures().losses, 2u);
}

TEST_F(TrackerTest, KindsOfBoardsAreNotMixed) {
  const std::string session = Open();
  ConnectAgent(1, {"v"}, {}, "virtual");
  farm::v1::SubmitRequest submit = Request(session, 1);
  submit.set_board_kind("physical");
  auto reply = tracker_->Submit("ann", submit, now_);
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->boards(), 0u);
  EXPECT_TRUE(Runs(Settle()).empty());
  const auto status = tracker_->Status(now_);
  ASSERT_EQ(status.waiting_size(), 1);
  EXPECT_EQ(status.waiting(0).for_what(), "no live board of rpi4");
  EXPECT_EQ(status.waiting(0).label(), "a search");
  submit.set_number(2);
  submit.set_board_kind("virtual");
  ASSERT_TRUE(tracker_->Submit("ann", submit, now_).ok());
  EXPECT_EQ(Runs(Settle()).size(), 1u);
  EXPECT_EQ(tracker_->DescribeDevice("nano").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(tracker_->DescribeDevice("rpi4")->boards(0).kind(), "virtual");
}

TEST_F(TrackerTest, QuarantineAndDrainOutliveARestart) {
  ConnectAgent(1, {"a", "b", "c"});
  (void)Settle();
  ASSERT_TRUE(tracker_->Drain("a").ok());
  ASSERT_TRUE(tracker_->Quarantine("b", "its fan", now_).ok());
  EXPECT_EQ(tracker_->Drain("d").code(), StatusCode::kNotFound);
  (void)Settle();
  Restart();
  ConnectAgent(1, {"a", "b", "c"});
  const auto status = tracker_->Status(now_);
  EXPECT_THAT(status.boards(0).health(), HasSubstr("draining"));
  EXPECT_THAT(status.boards(1).health(), HasSubstr("its fan"));
  EXPECT_EQ(status.boards(2).health(), "ready");
}

TEST_F(TrackerTest, ASecondTrackerAndAForeignFileAreRefused) {
  EXPECT_EQ(TrackerStore::Open(folder_.path() + "/tracker.db").status().code(),
            StatusCode::kUnavailable);
  const std::string other = folder_.path() + "/notes.txt";
  std::ofstream(other) << std::string(4096, 'x');
  EXPECT_EQ(TrackerStore::Open(other).status().code(), StatusCode::kInvalidArgument);
}

// A client that gives up says all of it at once, before the tracker has settled any of it.
TEST_F(TrackerTest, CancelledAcknowledgedAndClosedWithinOneTurn) {
  const std::string session = Open();
  for (const uint64_t number : {1, 2}) ASSERT_TRUE(Submit(session, number).ok());
  (void)Settle();
  farm::v1::CancelRequest cancel;
  cancel.set_session(session);
  cancel.add_numbers(1);
  ASSERT_TRUE(tracker_->Cancel("ann", cancel, now_).ok());
  ASSERT_TRUE(tracker_->Attach("ann", session).ok());
  ASSERT_TRUE(tracker_->Acknowledge("ann", Acknowledgement(session, {1})).ok());
  const TrackerOutput output = Settle();
  ASSERT_EQ(output.to_clients.size(), 1u) << "its end is told, and once";
  EXPECT_EQ(output.to_clients[0].result.end(), Result::CANCELLED);
  cancel.set_numbers(0, 2);
  ASSERT_TRUE(tracker_->Cancel("ann", cancel, now_).ok());
  ASSERT_TRUE(tracker_->CloseSession("ann", session, now_).ok());
  EXPECT_TRUE(Settle().to_clients.empty());
  EXPECT_EQ(tracker_->Status(now_).waiting_size(), 0);
  Restart();
  EXPECT_EQ(tracker_->Status(now_).sessions(), 0u);
}

TEST_F(TrackerTest, WhatIsNoNumberIsNoRuler) {
  ConnectAgent(1, {"a"});
  (void)Settle();
  AgentMessage message;
  auto* report = message.mutable_board_report();
  report->set_board("a");
  report->set_drift(1);
  for (const double bad : {std::nan(""), HUGE_VAL}) {
    report->set_canary_ns(bad);
    tracker_->Receive(1, message, now_);
  }
  report->set_canary_ns(1000);
  report->set_drift(std::nan(""));
  tracker_->Receive(1, message, now_);
  (void)Settle();
  Restart();
  ConnectAgent(2, {"a"});
  EXPECT_EQ(Settle().to_agents.at(0).message.welcome().boards(0).ruler_canary_ns(), 0);
}

TEST_F(TrackerTest, EveryPriorityAndNoOddKindCanWait) {
  const std::string session = Open();
  auto submit = Request(session, 1);
  submit.set_priority(std::numeric_limits<int32_t>::min());
  ASSERT_TRUE(tracker_->Submit("ann", submit, now_).ok());
  (void)Settle();
  EXPECT_EQ(tracker_->Status(now_).waiting(0).priority(), std::numeric_limits<int32_t>::min());
  // In the store tags stand between blanks: after a restart it would wait for other ones.
  submit.set_number(2);
  submit.set_board_kind("odd kind");
  const absl::Status odd = tracker_->Submit("ann", submit, now_).status();
  EXPECT_EQ(odd.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(odd.message(), HasSubstr("board_kind: 'odd kind'"));
}

TEST_F(TrackerTest, WhoLeavesTheQueueLeavesWhatRunsToEnd) {
  const std::string session = Open();
  for (const uint64_t number : {1, 2}) ASSERT_TRUE(Submit(session, number).ok());
  ASSERT_TRUE(tracker_->Attach("ann", session).ok());
  ConnectAgent(1, {"pi"});
  const auto runs = Runs(Settle());
  ASSERT_EQ(runs.size(), 1u);
  farm::v1::CancelRequest cancel;
  cancel.set_session(session);
  cancel.set_queued_only(true);
  for (const uint64_t number : {1, 2}) cancel.add_numbers(number);
  ASSERT_TRUE(tracker_->Cancel("ann", cancel, now_).ok());
  const TrackerOutput left = Settle();
  ASSERT_EQ(left.to_clients.size(), 1u);
  EXPECT_EQ(left.to_clients[0].result.number(), 2u);
  EXPECT_EQ(left.to_clients[0].result.end(), Result::CANCELLED);
  EXPECT_TRUE(left.to_agents.empty()) << "nothing is stopped";
  tracker_->Receive(1, Done(runs[0]), now_);
  EXPECT_EQ(Settle().to_clients.at(0).result.end(), Result::DONE);
}

}  // namespace
}  // namespace halyard
