// What becomes of a candidate on a board whose clock does not hold.
#include <gtest/gtest.h>

#include "tests/unit/tuner/failing_bench.h"
#include "tuner/candidate_runner.h"

namespace halyard {
namespace {

// Gives the right answer, and says `unstable` so many times before it is steady.
class UnsteadyBoard final : public Executor {
 public:
  UnsteadyBoard(const Expectation& expected, int unsteady)
      : expected_(expected), unsteady_(unsteady) {}

  RunOutcome Run(const RunRequest& request, std::chrono::milliseconds) override {
    RunOutcome outcome;
    outcome.status = runs++ < unsteady_ ? RunStatus::kUnstable : RunStatus::kOk;
    if (outcome.status == RunStatus::kUnstable) outcome.message = "the clock moved";
    EntryResult entry;
    for (double v : expected_.values) entry.probe_values.push_back(static_cast<float>(v));
    entry.projection = expected_.projection.value_or(0);
    entry.samples_ns = {100, 101, 102};
    entry.poison_left = wrong ? 1 : 0;
    outcome.reply.candidates.assign(request.candidates.size(), {entry});
    return outcome;
  }
  std::string board_id() const override { return "unsteady"; }
  BoardKind board_kind() const override { return BoardKind::kPhysical; }
  std::string environment() const override { return ""; }

  int runs = 0;
  bool wrong = false;

 private:
  const Expectation expected_;
  const int unsteady_;
};

class UnstableBoard : public testing::Test {
 protected:
  MeasureResult Measure(UnsteadyBoard& board) {
    CandidateRunner runner(task_, board, 1);
    return runner.Measure(task_.space.safe(), built_, TimingPolicy{});
  }
  UnsteadyBoard Board(int unsteady) {
    built_.entries.resize(1);
    return UnsteadyBoard(Expect(*task_.op, task_.workload, 1), unsteady);
  }

  const Task task_ = MakeTask(ParseWorkload("gemm:8x8x8:f32").value(), LoadDevice("host").value());
  BuildResult built_;
};

TEST_F(UnstableBoard, IsTriedAgainTwice) {
  UnsteadyBoard board = Board(2);
  const MeasureResult m = Measure(board);
  EXPECT_EQ(m.outcome, Outcome::kOk) << m.message;
  EXPECT_EQ(m.samples.size(), 3u);
  EXPECT_EQ(board.runs, 3);
}

TEST_F(UnstableBoard, HasNoSamplesInTheEnd) {
  UnsteadyBoard board = Board(100);
  const MeasureResult m = Measure(board);
  EXPECT_EQ(m.outcome, Outcome::kUnstable);
  EXPECT_EQ(m.message, "the clock moved");
  EXPECT_TRUE(m.samples.empty());
  EXPECT_EQ(board.runs, 3);
}

TEST_F(UnstableBoard, AWrongAnswerIsWrongWhateverTheClockDid) {
  UnsteadyBoard board = Board(100);
  board.wrong = true;
  EXPECT_EQ(Measure(board).outcome, Outcome::kWrongResult);
  EXPECT_EQ(board.runs, 1);
}

TEST_F(UnstableBoard, AFinalWhoseClockMovesIsVoid) {
  UnsteadyBoard twice = Board(2), always = Board(100);
  CandidateRunner steady_in_the_end(task_, twice, 1), never(task_, always, 1);
  const auto samples = steady_in_the_end.Interleave({built_, built_}, 3, 0.01);
  ASSERT_TRUE(samples.ok()) << samples.status();
  EXPECT_EQ(samples->size(), 2u);
  EXPECT_EQ(never.Interleave({built_, built_}, 3, 0.01).status().message(), "the clock moved");
  EXPECT_EQ(always.runs, 3);
}

}  // namespace
}  // namespace halyard
