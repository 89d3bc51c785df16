#include "tests/conformance/executor_conformance.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <thread>

#include "targets/counter_rng.h"
#include "tests/conformance/left_behind.h"

namespace halyard {

using std::chrono::milliseconds;

void ExecutorConformance::SetUp() {
  artifact_ = folder_.Path("kernel");
  auto board = GetParam()();
  if (!board->Lacks().empty()) GTEST_SKIP() << board->Lacks();
  children_before_ = Children();
  Use(std::move(board));
}

void ExecutorConformance::Use(std::unique_ptr<BoardUnderTest> board) {
  executor_.reset();
  board_ = std::move(board);
  auto executor = board_->MakeExecutor();
  ASSERT_TRUE(executor.ok()) << executor.status();
  executor_ = std::move(*executor);
}

void ExecutorConformance::TearDown() {
  if (IsSkipped()) return;
  executor_.reset();
  EXPECT_EQ(Children(), children_before_);
}

RunRequest ExecutorConformance::Request(const EntrySpec& entry) const {
  RunRequest request;
  request.mode = is_virtual() ? RunMode::kCount : RunMode::kMeasure;
  request.seed = 7;
  request.threads = std::min(2, device().cores);
  request.timing.samples = 3;
  request.timing.min_sample_ns = 100'000;
  request.candidates = {{artifact_, {entry}}};
  return request;
}

RunOutcome ExecutorConformance::RunC(const std::string& body, milliseconds deadline) {
  BuildCKernel(device(), artifact_, body);
  return Run(Request(ElementwiseEntry(1000)), deadline);
}

bool ExecutorConformance::Eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 500; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return condition();
}

bool ExecutorConformance::NothingRunsOnBoard() const {
  return Eventually([&] { return board_->ProcessesOnBoard().empty(); });
}

namespace {

TEST_P(ExecutorConformance, RightResult) {
  BuildCKernel(device(), artifact_, kDouble);
  EntrySpec entry = ElementwiseEntry(1000);
  entry.projection = true;
  const RunOutcome outcome = Run(Request(entry));
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  const EntryResult& result = Only(outcome);
  EXPECT_EQ(result.kernel_error, 0);
  EXPECT_EQ(result.poison_left, 0);
  EXPECT_EQ(result.non_finite, 0);
  EXPECT_TRUE(result.guards_intact);
  EXPECT_TRUE(result.inputs_intact);
  ASSERT_EQ(result.probe_values.size(), 2u);
  EXPECT_FLOAT_EQ(result.probe_values[0], 2 * CounterUniform(7, 0, 0));
  EXPECT_FLOAT_EQ(result.probe_values[1], 2 * CounterUniform(7, 0, 999));
  double projection = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    projection += ProjectionSign(7, 0, i) * 2 * CounterUniform(7, 0, i);
  }
  EXPECT_NEAR(result.projection, projection, 1e-9);
  EXPECT_EQ(result.samples_ns.size(), is_virtual() ? 0u : 3u);
  EXPECT_EQ(result.serial_cycles > 0, is_virtual());
}

TEST_P(ExecutorConformance, WriteJustOutsideTheOutputIsSeen) {
  const RunOutcome outcome = RunC("for (long i = 0; i <= N; ++i) OUT[i] = IN[0];");
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  EXPECT_FALSE(Only(outcome).guards_intact);
  EXPECT_TRUE(Only(outcome).samples_ns.empty());
}

TEST_P(ExecutorConformance, WriteJustBeforeTheOutputIsSeen) {
  const RunOutcome outcome = RunC("for (long i = -1; i < N; ++i) OUT[i] = IN[0];");
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  EXPECT_FALSE(Only(outcome).guards_intact);
}

TEST_P(ExecutorConformance, UnwrittenOutputIsSeen) {
  const RunOutcome outcome = RunC("for (long i = 0; i < N - 3; ++i) OUT[i] = IN[0];");
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  EXPECT_EQ(Only(outcome).poison_left, 3);
  EXPECT_EQ(Only(outcome).non_finite, 3);
}

TEST_P(ExecutorConformance, NotANumberIsSeenAndReported) {
  const RunOutcome outcome =
      RunC("for (long i = 0; i < N; ++i) OUT[i] = 1; OUT[0] = 0.0f / (IN[0] - IN[0]);");
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  EXPECT_EQ(Only(outcome).poison_left, 0);
  EXPECT_EQ(Only(outcome).non_finite, 1);
  EXPECT_TRUE(std::isnan(Only(outcome).probe_values[0]));
  EXPECT_EQ(Only(outcome).probe_values[1], 1);
}

TEST_P(ExecutorConformance, ModifiedInputIsSeen) {
  const RunOutcome outcome = RunC("for (long i = 0; i < N; ++i) OUT[i] = 1; IN[5] += 1;");
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  EXPECT_FALSE(Only(outcome).inputs_intact);
}

constexpr char kPack[] =
    "static int calls; ++calls;\n"
    "for (long i = 0; i + 1 < N; ++i) OUT[i] = IN[i];\n"
    "OUT[N - 1] = calls;";

TEST_P(ExecutorConformance, WhatIsPreparedIsPreparedOnceAndTakesTheInputsPlace) {
  constexpr int64_t n = 1000;
  BuildCKernel(device(), artifact_, "for (long i = 0; i < N; ++i) OUT[i] = IN[i] + IN[N];", kPack);
  const RunOutcome outcome = Run(Request(PreparedEntry(n)));
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  const EntryResult& result = Only(outcome);
  EXPECT_EQ(result.kernel_error, 0);
  EXPECT_TRUE(result.inputs_intact);
  EXPECT_FLOAT_EQ(result.probe_values[0], CounterUniform(7, 0, 0) + 1);
  EXPECT_FLOAT_EQ(result.probe_values[1], CounterUniform(7, 0, n - 1) + 1);
  EXPECT_EQ(result.samples_ns.size(), is_virtual() ? 0u : 3u);
}

TEST_P(ExecutorConformance, ModifiedPreparedInputIsSeen) {
  BuildCKernel(device(), artifact_, "for (long i = 0; i < N; ++i) OUT[i] = 1; IN[N] += 1;", kPack);
  const RunOutcome outcome = Run(Request(PreparedEntry(100)));
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  EXPECT_FALSE(Only(outcome).inputs_intact);
}

TEST_P(ExecutorConformance, PreparingThatFailsIsReported) {
  BuildCKernel(device(), artifact_, "for (long i = 0; i < N; ++i) OUT[i] = 1;", "return -5;");
  const RunOutcome outcome = Run(Request(PreparedEntry(100)));
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  EXPECT_EQ(Only(outcome).kernel_error, -5);
  EXPECT_TRUE(Only(outcome).samples_ns.empty());
}

TEST_P(ExecutorConformance, PreparingThatIsNotThereIsNamed) {
  BuildCKernel(device(), artifact_, "for (long i = 0; i < N; ++i) OUT[i] = 1;");
  const RunOutcome outcome = Run(Request(PreparedEntry(100)));
  EXPECT_EQ(outcome.status, RunStatus::kRejected);
  EXPECT_NE(outcome.message.find("pack_argv"), std::string::npos) << outcome.message;
}

TEST_P(ExecutorConformance, KernelsOwnErrorIsReported) {
  const RunOutcome outcome = RunC("return -7;");
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  EXPECT_EQ(Only(outcome).kernel_error, -7);
}

TEST_P(ExecutorConformance, InterleavedRoundsGiveOneSampleEach) {
  BuildCKernel(device(), artifact_, kDouble);
  RunRequest request = Request(ElementwiseEntry(100));
  request.mode = RunMode::kInterleave;
  request.rounds = 4;
  request.candidates.push_back(request.candidates[0]);
  const RunOutcome outcome = Run(request);
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  ASSERT_EQ(outcome.reply.candidates.size(), 2u);
  for (const auto& entries : outcome.reply.candidates) {
    ASSERT_EQ(entries.size(), 1u);
    EXPECT_EQ(entries[0].samples_ns.size(), is_virtual() ? 0u : 4u);
  }
}

TEST_P(ExecutorConformance, SeveralCandidatesInOneRequest) {
  BuildCKernel(device(), artifact_, kDouble);
  RunRequest request = Request(ElementwiseEntry(100));
  const std::string second = folder_.Path("second");
  BuildCKernel(device(), second, "for (long i = 0; i < N; ++i) OUT[i] = 3 * IN[i];");
  request.candidates.push_back({second, {ElementwiseEntry(100), ElementwiseEntry(50)}});
  const RunOutcome outcome = Run(request);
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  const auto& candidates = outcome.reply.candidates;
  ASSERT_EQ(candidates.size(), 2u);
  ASSERT_EQ(candidates[1].size(), 2u);
  EXPECT_FLOAT_EQ(candidates[0].at(0).probe_values.at(1), 2 * CounterUniform(7, 0, 99));
  EXPECT_FLOAT_EQ(candidates[1][0].probe_values.at(1), 3 * CounterUniform(7, 0, 99));
  EXPECT_FLOAT_EQ(candidates[1][1].probe_values.at(1), 3 * CounterUniform(7, 0, 49));
}

TEST_P(ExecutorConformance, EndlessLoopMeetsTheDeadline) {
  const auto start = std::chrono::steady_clock::now();
  const RunOutcome outcome = RunC("for (;;) OUT[0] = IN[0];", milliseconds(700));
  EXPECT_EQ(outcome.status, RunStatus::kTimeout) << outcome.message;
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(2500));
  const RunOutcome again = RunC(kDouble);
  ASSERT_EQ(again.status, RunStatus::kOk) << again.message;
  EXPECT_FLOAT_EQ(Only(again).probe_values.at(1), 2 * CounterUniform(7, 0, 999));
}

TEST_P(ExecutorConformance, TruncatedAndMissingArtifactsAreRefused) {
  BuildCKernel(device(), artifact_, "");
  std::filesystem::resize_file(artifact_, std::filesystem::file_size(artifact_) / 4);
  const RunOutcome truncated = Run(Request(ElementwiseEntry(16)));
  EXPECT_EQ(truncated.status, RunStatus::kRejected);
  EXPECT_NE(truncated.message.find("bad artifact"), std::string::npos) << truncated.message;
  std::filesystem::remove(artifact_);
  const RunOutcome missing = Run(Request(ElementwiseEntry(16)));
  EXPECT_EQ(missing.status, RunStatus::kInfra);
  EXPECT_NE(missing.message.find("cannot open"), std::string::npos) << missing.message;
}

// Few runs in ./check; HALYARD_CONFORMANCE_RUNS=500 for a campaign.
int ManyRuns() {
  const char* told = std::getenv("HALYARD_CONFORMANCE_RUNS");
  return told != nullptr ? std::atoi(told) : 30;
}

TEST_P(ExecutorConformance, ManyRunsLeaveNothingBehind) {
  BuildCKernel(device(), artifact_, kDouble);
  const RunRequest request = Request(ElementwiseEntry(64));
  const TemporaryFilesIn temporary(folder_.Path("tmp"));
  ASSERT_EQ(Run(request).status, RunStatus::kOk);
  const std::string children = Children();
  const size_t files = OpenFiles();
  const std::set<std::string> names = temporary.Names();
  const std::vector<std::string> on_board = board_->FilesOnBoard();
  for (int i = 0; i < ManyRuns(); ++i) {
    const RunOutcome outcome = Run(request);
    ASSERT_EQ(outcome.status, RunStatus::kOk) << "run " << i << ": " << outcome.message;
    EXPECT_FLOAT_EQ(Only(outcome).probe_values.at(1), 2 * CounterUniform(7, 0, 63));
  }
  EXPECT_EQ(OpenFiles(), files);
  EXPECT_EQ(temporary.Names(), names);
  EXPECT_EQ(Children(), children);
  EXPECT_TRUE(NothingRunsOnBoard());
  EXPECT_EQ(board_->FilesOnBoard(), on_board);
}

TEST_P(ExecutorConformance, OversizedArtifactIsRefused) {
  BuildCKernel(device(), artifact_, "");
  std::filesystem::resize_file(artifact_, static_cast<uintmax_t>(kMostArtifactBytes) + 1);
  const RunOutcome outcome = Run(Request(ElementwiseEntry(16)));
  EXPECT_EQ(outcome.status, RunStatus::kRejected);
  EXPECT_NE(outcome.message.find("larger than"), std::string::npos) << outcome.message;
}

TEST_P(ExecutorConformance, TheBoardHasANameAndConditions) {
  EXPECT_EQ(executor_->board_kind(), device().board_kind());
  EXPECT_NE(executor_->board_id(), "");
  EXPECT_NE(executor_->environment(), "");
  EXPECT_EQ(executor_->environment().find('\n'), std::string::npos);
}

}  // namespace
}  // namespace halyard
