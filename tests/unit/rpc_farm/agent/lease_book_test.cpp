#include "rpc_farm/agent/lease_book.h"

#include <gtest/gtest.h>

namespace halyard {
namespace {

using farm::v1::Lease;
using RunDone = farm::v1::AgentMessage::RunDone;

Lease LeaseOf(const std::string& board, uint64_t epoch, const std::string& request = "r") {
  Lease lease;
  lease.set_board(board);
  lease.set_epoch(epoch);
  lease.set_request(request);
  return lease;
}

RunDone DoneOf(const Lease& lease) {
  RunDone done;
  *done.mutable_lease() = lease;
  done.mutable_result()->set_status("ok");
  return done;
}

TEST(LeaseBook, ARunIsOpenUntilItsResultIsTaken) {
  LeaseBook book({"a", "b"});
  EXPECT_TRUE(book.settled());
  const auto verdict = book.Begin(LeaseOf("a", 1));
  ASSERT_TRUE(verdict.start.has_value());
  EXPECT_FALSE(verdict.start->stop_requested());
  EXPECT_EQ(book.Open().size(), 1u);
  EXPECT_TRUE(book.Untaken().empty());
  book.Finish(DoneOf(LeaseOf("a", 1)));
  EXPECT_EQ(book.Open().size(), 1u);
  ASSERT_EQ(book.Untaken().size(), 1u);
  EXPECT_FALSE(book.settled());
  book.Taken(LeaseOf("a", 2));  // of another lease
  EXPECT_FALSE(book.settled());
  book.Taken(LeaseOf("a", 1));
  EXPECT_TRUE(book.settled());
}

TEST(LeaseBook, ARepeatIsNothingThenTheResultThenALoss) {
  LeaseBook book({"a"});
  ASSERT_TRUE(book.Begin(LeaseOf("a", 1)).start.has_value());
  const auto running = book.Begin(LeaseOf("a", 1));
  EXPECT_FALSE(running.start.has_value());
  EXPECT_FALSE(running.answer.has_value());
  book.Finish(DoneOf(LeaseOf("a", 1)));
  const auto ended = book.Begin(LeaseOf("a", 1));
  EXPECT_FALSE(ended.start.has_value());
  ASSERT_TRUE(ended.answer.has_value());
  EXPECT_EQ(ended.answer->result().status(), "ok");
  book.Taken(LeaseOf("a", 1));
  const auto replay = book.Begin(LeaseOf("a", 1));
  EXPECT_FALSE(replay.start.has_value());
  ASSERT_TRUE(replay.answer.has_value());
  EXPECT_TRUE(replay.answer->infrastructure_loss());
  // A tracker that lost its store counts anew.
  EXPECT_TRUE(book.Begin(LeaseOf("a", 1, "another")).start.has_value());
}

TEST(LeaseBook, ABoardRunsOneLeaseAndBoardsAreIndependent) {
  LeaseBook book({"a", "b"});
  ASSERT_TRUE(book.Begin(LeaseOf("a", 1)).start.has_value());
  const auto busy = book.Begin(LeaseOf("a", 2));
  ASSERT_TRUE(busy.answer.has_value());
  EXPECT_TRUE(busy.answer->infrastructure_loss());
  EXPECT_EQ(busy.answer->lease().epoch(), 2u);
  EXPECT_TRUE(book.Begin(LeaseOf("b", 1)).start.has_value());
  EXPECT_TRUE(book.Begin(LeaseOf("c", 1)).answer->infrastructure_loss());
  // A result that waits to be taken does not keep the board.
  book.Finish(DoneOf(LeaseOf("a", 1)));
  EXPECT_TRUE(book.Begin(LeaseOf("a", 3)).start.has_value());
}

TEST(LeaseBook, AStopReachesTheRunOfItsLeaseAndIsAnsweredOtherwise) {
  LeaseBook book({"a"});
  const auto begun = book.Begin(LeaseOf("a", 5));
  const auto other = book.Stop(LeaseOf("a", 4));
  ASSERT_TRUE(other.has_value());
  EXPECT_TRUE(other->infrastructure_loss());
  EXPECT_FALSE(begun.start->stop_requested());
  EXPECT_FALSE(book.Stop(LeaseOf("a", 5)).has_value());
  EXPECT_TRUE(begun.start->stop_requested());
  book.Finish(DoneOf(LeaseOf("a", 5)));
  ASSERT_TRUE(book.Stop(LeaseOf("a", 5)).has_value());
  EXPECT_EQ(book.Stop(LeaseOf("a", 5))->result().status(), "ok");
  EXPECT_TRUE(book.Stop(LeaseOf("nowhere", 1))->infrastructure_loss());
}

TEST(LeaseBook, LeavingStopsAllAndLetsNothingBegin) {
  LeaseBook book({"a", "b"});
  const auto begun = book.Begin(LeaseOf("a", 1));
  book.StopAll();
  EXPECT_TRUE(begun.start->stop_requested());
  const auto late = book.Begin(LeaseOf("b", 1));
  EXPECT_FALSE(late.start.has_value());
  EXPECT_TRUE(late.answer->infrastructure_loss());
}

}  // namespace
}  // namespace halyard
