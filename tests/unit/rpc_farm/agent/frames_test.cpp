#include "rpc_farm/agent/frames.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>
#include <thread>

#include "absl/status/status.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;

class Frames : public testing::Test {
 protected:
  Frames() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_), 0); }
  ~Frames() override {
    close(ends_[0]);
    if (ends_[1] >= 0) close(ends_[1]);
  }
  void Write(const std::string& bytes) {
    ASSERT_EQ(write(ends_[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  void CloseOtherEnd() {
    close(ends_[1]);
    ends_[1] = -1;
  }
  absl::StatusOr<std::string> Receive(milliseconds limit = milliseconds(2000)) {
    return ReceiveFrame(ends_[0], FrameClock::now() + limit);
  }

  int ends_[2] = {-1, -1};
};

TEST_F(Frames, ComeAsTheyWereSentAlsoLargerThanASocketHolds) {
  for (size_t bytes : {size_t{0}, size_t{1}, size_t{70'000}, kMostFrameBytes}) {
    const std::string text(bytes, 'x');
    std::thread sender([&] {
      EXPECT_TRUE(SendFrame(ends_[1], text, FrameClock::now() + milliseconds(20'000)).ok());
    });
    const auto got = Receive(milliseconds(20'000));
    sender.join();
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(*got, text);
  }
}

TEST_F(Frames, AnOversizedMessageIsNotSentAtAll) {
  const absl::Status s = SendFrame(ends_[1], std::string(kMostFrameBytes + 1, 'x'),
                                   FrameClock::now() + milliseconds(100));
  EXPECT_TRUE(absl::IsInvalidArgument(s)) << s;
  EXPECT_TRUE(absl::IsDeadlineExceeded(Receive(milliseconds(20)).status()));
}

TEST_F(Frames, AnEndWithinAFrameIsAnEnd) {
  const std::string frame = Frame("{\"a\":1}");
  for (size_t n = 0; n < frame.size(); ++n) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    ASSERT_EQ(write(ends[1], frame.data(), n), static_cast<ssize_t>(n));
    close(ends[1]);
    const auto got = ReceiveFrame(ends[0], FrameClock::now() + milliseconds(2000));
    EXPECT_TRUE(absl::IsUnavailable(got.status())) << n << ": " << got.status();
    close(ends[0]);
  }
}

TEST_F(Frames, HalfAFrameIsWaitedForNoLongerThanTheDeadline) {
  Write(Frame("{}").substr(0, 9));
  const auto start = FrameClock::now();
  EXPECT_TRUE(absl::IsDeadlineExceeded(Receive(milliseconds(50)).status()));
  EXPECT_GE(FrameClock::now() - start, milliseconds(50));
}

TEST_F(Frames, AnAnnouncedLengthBeyondTheLimitIsRefusedBeforeAByteOfIt) {
  Write(std::string("HBH1\xff\xff\xff\x7f", 8));
  const auto got = Receive();
  EXPECT_TRUE(absl::IsDataLoss(got.status())) << got.status();
  EXPECT_NE(got.status().message().find("2147483647"), std::string::npos) << got.status();
}

TEST_F(Frames, GarbageAndOtherVersionsAreNoFrames) {
  Write("HBH2aaaa");
  EXPECT_TRUE(absl::IsDataLoss(Receive().status()));
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    std::string header(kFrameHeaderBytes, '\0');
    for (char& c : header) c = static_cast<char>(random());
    EXPECT_TRUE(absl::IsDataLoss(FrameLength(header).status()));
  }
}

TEST_F(Frames, SendingToAnEndThatIsGoneIsAnErrorAndNoSignal) {
  CloseOtherEnd();
  EXPECT_TRUE(
      absl::IsUnavailable(SendFrame(ends_[0], "{}", FrameClock::now() + milliseconds(100))));
}

TEST(HostMessages, RequestsRoundTrip) {
  HostRequest run;
  run.kind = HostRequest::Kind::kRun;
  run.run.seed = 7;
  run.run.candidates = {{"/a.so", {EntrySpec{}}}};
  run.run.candidates[0].entries[0].output = {{2, 3}};
  run.deadline = milliseconds(1500);
  const auto back = ParseHostRequest(ToText(run));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->kind, HostRequest::Kind::kRun);
  EXPECT_EQ(back->deadline, run.deadline);
  EXPECT_EQ(nlohmann::json(back->run), nlohmann::json(run.run));

  HostRequest command;
  command.kind = HostRequest::Kind::kCommand;
  command.command = "echo \xff";
  const auto told = ParseHostRequest(ToText(command));
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(told->kind, HostRequest::Kind::kCommand);
}

TEST(HostMessages, WhatIsMissingMistypedOrUnknownIsNamed) {
  for (const char* text :
       {"", "{", "[]", "{}", "null", R"({"deadline_ms":1})", R"({"deadline_ms":"1","facts":true})",
        R"({"deadline_ms":1,"run":{}})", R"({"deadline_ms":1,"command":5})"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseHostRequest(text).status())) << text;
    EXPECT_TRUE(absl::IsInvalidArgument(ParseHostReply(text).status())) << text;
  }
  std::string reply = ToText(HostReply{});
  reply.replace(reply.find("\"infra\""), 7, "\"fine\"");
  EXPECT_TRUE(absl::IsInvalidArgument(ParseHostReply(reply).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ParseHostReply(std::string(100'000, '[')).status()));
}

TEST(HostMessages, AReplyTooLargeForTheFarmIsTheCandidatesOwnFault) {
  HostReply reply;
  reply.outcome.status = RunStatus::kOk;
  reply.outcome.reply.candidates = {{EntryResult{}}};
  reply.outcome.reply.candidates[0][0].samples_ns.assign(2'000'000, 1.5);
  const std::string text = ToText(reply);
  EXPECT_LT(text.size(), kMostReplyBytes);
  const auto back = ParseHostReply(text);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->outcome.status, RunStatus::kResource);
  EXPECT_NE(back->outcome.message.find("larger"), std::string::npos);
}

}  // namespace
}  // namespace halyard
