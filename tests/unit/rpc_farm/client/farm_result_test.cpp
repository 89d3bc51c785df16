#include "rpc_farm/client/farm_result.h"

#include <gtest/gtest.h>

#include <cmath>

namespace halyard {
namespace {

using farm::v1::RequestResult;

class FarmResult : public testing::Test {
 protected:
  FarmResult() {
    request_.candidates = {{"a", {EntrySpec{}}}};
    reply_.candidates = {{EntryResult{}}};
    reply_.candidates[0][0].samples_ns = {100, 200};
    result_.set_end(RequestResult::DONE);
    job().set_status("ok");
    job().set_board("pi");
    job().set_environment("Linux");
    job().set_ruler(1);
  }
  farm::v1::JobResult& job() { return *result_.mutable_result(); }
  FarmOutcome Read(BoardKind kind = BoardKind::kPhysical) {
    job().set_reply(nlohmann::json(reply_).dump());
    return ReadFarmResult(result_, request_, kind);
  }

  RunRequest request_;
  RunReply reply_;
  RequestResult result_;
};

TEST_F(FarmResult, ATimeIsPutOnItsDevicesRuler) {
  job().set_ruler(0.5);
  const FarmOutcome read = Read();
  EXPECT_EQ(read.outcome.status, RunStatus::kOk) << read.outcome.message;
  EXPECT_EQ(read.outcome.reply.candidates[0][0].samples_ns, (std::vector<double>{50, 100}));
  EXPECT_EQ(read.environment, "Linux, times 0.5000 of the ruler");
  EXPECT_EQ(read.board, "pi");
  EXPECT_EQ(Read(BoardKind::kVirtual).outcome.reply.candidates[0][0].samples_ns[0], 100);
}

TEST_F(FarmResult, ABoardThatIsTheRulerIsToldFromOneOfWhichNothingIsKnown) {
  EXPECT_EQ(Read().environment, "Linux, times 1.0000 of the ruler");
  job().set_ruler(0);
  EXPECT_EQ(Read().environment, "Linux");
  job().set_ruler(1);
  EXPECT_EQ(Read(BoardKind::kVirtual).environment, "Linux");
}

TEST_F(FarmResult, ARulerThatIsNoneIsRefused) {
  for (const double bad : {std::nan(""), HUGE_VAL, -1.0, 1e-9, 1e9}) {
    job().set_ruler(bad);
    const FarmOutcome read = Read();
    EXPECT_EQ(read.outcome.status, RunStatus::kInfra) << bad;
    EXPECT_NE(read.outcome.message.find("board pi"), std::string::npos) << read.outcome.message;
  }
}

// Who asked goes by the number of results: too few were read beyond their end.
TEST_F(FarmResult, WhatTheBoardWasUsedForIsTold) {
  EXPECT_EQ(Read().outcome.board_seconds, std::nullopt);
  job().set_board_ms(1500);
  EXPECT_EQ(Read().outcome.board_seconds, 1.5);
  job().set_board_ms(UINT64_MAX);
  EXPECT_EQ(Read().outcome.board_seconds, 3600) << "an agent may say anything";
}

TEST_F(FarmResult, AReplyOfAnotherShapeIsRefused) {
  reply_.candidates = {};
  EXPECT_EQ(Read().outcome.status, RunStatus::kInfra);
  reply_.candidates = {{EntryResult{}, EntryResult{}}};
  EXPECT_EQ(Read().outcome.status, RunStatus::kInfra);
  job().clear_reply();
  EXPECT_EQ(ReadFarmResult(result_, request_, BoardKind::kPhysical).outcome.status,
            RunStatus::kInfra);
  job().set_reply("{\"protocol\": 1e300}");
  EXPECT_EQ(ReadFarmResult(result_, request_, BoardKind::kPhysical).outcome.status,
            RunStatus::kInfra);
  job().set_status("splendid");
  EXPECT_EQ(Read().outcome.message, "board pi tells of a 'splendid'");
}

TEST_F(FarmResult, AFaultOfTheCandidateNeedsNoReply) {
  reply_ = {};
  job().set_status("crash");
  job().set_message("killed by SIGSEGV");
  const FarmOutcome read = Read();
  EXPECT_EQ(read.outcome.status, RunStatus::kCrash);
  EXPECT_EQ(read.outcome.message, "killed by SIGSEGV");
}

TEST_F(FarmResult, LostIsTheBoardsAndCancelledNobodys) {
  result_.set_why("lost 3 times");
  result_.set_end(RequestResult::LOST);
  EXPECT_EQ(Read().outcome.status, RunStatus::kBoardLost);
  EXPECT_EQ(Read().board, "");
  result_.set_end(RequestResult::CANCELLED);
  EXPECT_EQ(Read().outcome.status, RunStatus::kInfra);
}

}  // namespace
}  // namespace halyard
