#include "tests/conformance/executor_conformance.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "targets/counter_rng.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;

std::set<std::string> OpenFiles() {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const auto target = std::filesystem::read_symlink(entry.path(), gone);
    if (!gone) names.insert(entry.path().filename().string());
  }
  return names;
}

std::string Children() {
  std::ifstream file("/proc/thread-self/children");
  std::string text;
  std::getline(file, text);
  return text;
}

size_t TemporaryEntries() {
  size_t count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::temp_directory_path())) {
    count += entry.path().filename().string().rfind("halyard-", 0) == 0;
  }
  return count;
}

double MatmulAt(uint64_t seed, int64_t n, int64_t point) {
  double sum = 0;
  for (int64_t k = 0; k < n; ++k) {
    sum += static_cast<double>(CounterUniform(seed, 0, point / n * n + k)) *
           CounterUniform(seed, 1, k * n + point % n);
  }
  return sum;
}

double MatmulProjection(uint64_t seed, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n * n; ++i) {
    sum += MatmulAt(seed, n, i) * ProjectionSign(seed, 0, i / n) * ProjectionSign(seed, 1, i % n);
  }
  return sum;
}

}  // namespace

void ExecutorConformance::SetUp() {
  board_ = GetParam()();
  auto executor = board_->MakeExecutor();
  ASSERT_TRUE(executor.ok()) << executor.status();
  executor_ = std::move(*executor);
  artifact_ = folder_.Path("kernel.so");
  children_before_ = Children();
}

RunRequest ExecutorConformance::Request(const EntrySpec& entry) const {
  RunRequest request;
  request.mode = is_virtual() ? RunMode::kCount : RunMode::kMeasure;
  request.seed = 7;
  request.threads = 2;
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

TEST_P(ExecutorConformance, RightResultSerialAndParallel) {
  constexpr int64_t n = 37;
  for (bool parallel : {false, true}) {
    BuildMatmul(device(), artifact_, parallel);
    const RunRequest request = Request(MatmulEntry(n));
    const RunOutcome outcome = Run(request);
    ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
    const EntryResult& result = Only(outcome);
    EXPECT_EQ(result.kernel_error, 0) << result.kernel_message;
    EXPECT_EQ(result.poison_left, 0);
    EXPECT_EQ(result.non_finite, 0);
    EXPECT_TRUE(result.guards_intact);
    EXPECT_TRUE(result.inputs_intact);
    const auto& points = request.candidates[0].entries[0].probe_points;
    ASSERT_EQ(result.probe_values.size(), points.size());
    for (size_t i = 0; i < points.size(); ++i) {
      EXPECT_NEAR(result.probe_values[i], MatmulAt(request.seed, n, points[i]), 1e-5);
    }
    EXPECT_NEAR(result.projection, MatmulProjection(request.seed, n), 1e-3);
    if (is_virtual()) {
      EXPECT_TRUE(result.samples_ns.empty());
      EXPECT_GT(result.serial_cycles, 0);
      EXPECT_GT(result.instructions.at("simd_fma"), n * n * (n / 4));
      ASSERT_EQ(result.regions.size(), parallel ? 1u : 0u);
      if (parallel) {
        EXPECT_EQ(result.regions[0].tasks, n);
      }
    } else {
      EXPECT_EQ(result.samples_ns.size(), 3u);
      for (double ns : result.samples_ns) EXPECT_GT(ns, 0);
    }
  }
}

TEST_P(ExecutorConformance, InterleavedRoundsGiveOneSampleEach) {
  BuildMatmul(device(), artifact_, false);
  RunRequest request = Request(MatmulEntry(16));
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

TEST_P(ExecutorConformance, WriteFarOutsideTheOutputCrashes) {
  const RunOutcome outcome = RunC("for (long i = 0; i < N + 4096; ++i) OUT[i] = IN[0];");
  EXPECT_EQ(outcome.status, RunStatus::kCrash);
  EXPECT_EQ(outcome.message, "killed by SIGSEGV");
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
  EXPECT_NE(outcome.status, RunStatus::kOk);
  EXPECT_NE(outcome.message.find("pack_argv"), std::string::npos) << outcome.message;
}

TEST_P(ExecutorConformance, KernelsOwnErrorIsReported) {
  const RunOutcome outcome = RunC("return -7;");
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  EXPECT_EQ(Only(outcome).kernel_error, -7);
}

TEST_P(ExecutorConformance, RefusedArgumentsCarryTheRuntimesMessage) {
  BuildMatmul(device(), artifact_, false);
  EntrySpec entry = MatmulEntry(16);
  entry.inputs[1].extents = {3, 16};
  const RunOutcome outcome = Run(Request(entry));
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  EXPECT_NE(Only(outcome).kernel_error, 0);
  EXPECT_NE(Only(outcome).kernel_message.find("b"), std::string::npos);
}

TEST_P(ExecutorConformance, SegmentationFault) {
  const RunOutcome outcome = RunC("*(volatile int*)8 = 1;");
  EXPECT_EQ(outcome.status, RunStatus::kCrash);
  EXPECT_EQ(outcome.message, "killed by SIGSEGV");
}

TEST_P(ExecutorConformance, Abort) {
  const RunOutcome outcome = RunC("abort();");
  EXPECT_EQ(outcome.status, RunStatus::kCrash);
  EXPECT_EQ(outcome.message, "killed by SIGABRT");
}

TEST_P(ExecutorConformance, QuietExit) {
  const char* body = device().toolchain == "aarch64-linux-gnu"
                         ? "register long a asm(\"x0\") = 0; register long n asm(\"x8\") = 94;"
                           "asm volatile(\"svc #0\" : : \"r\"(a), \"r\"(n));"
                         : "asm volatile(\"syscall\" : : \"a\"(231L), \"D\"(0L));";
  const RunOutcome outcome = RunC(body);
  EXPECT_EQ(outcome.status, RunStatus::kCrash);
  EXPECT_EQ(outcome.message, "the runner exited without a reply");
}

TEST_P(ExecutorConformance, EndlessLoopMeetsTheDeadline) {
  const auto start = std::chrono::steady_clock::now();
  const RunOutcome outcome = RunC("for (;;) OUT[0] = IN[0];", milliseconds(700));
  EXPECT_EQ(outcome.status, RunStatus::kTimeout) << outcome.message;
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(2700));
}

TEST_P(ExecutorConformance, TooMuchMemory) {
  const RunOutcome c = RunC("char* p = malloc(20000000000ul); p[5] = 1; OUT[0] = p[6];");
  EXPECT_EQ(c.status, RunStatus::kResource) << c.message;
  BuildHungryKernel(device(), artifact_, int64_t{20} << 30);
  const RunOutcome halide = Run(Request(ElementwiseEntry(16)));
  EXPECT_EQ(halide.status, RunStatus::kResource) << halide.message;
}

TEST_P(ExecutorConformance, ForeignArchitectureIsRefused) {
  const bool arm = device().toolchain == "aarch64-linux-gnu";
  Device other = device();
  other.toolchain = arm ? "x86_64-linux-gnu" : "aarch64-linux-gnu";
  BuildCKernel(other, artifact_, "");
  const RunOutcome outcome = Run(Request(ElementwiseEntry(16)));
  EXPECT_EQ(outcome.status, RunStatus::kInfra);
  EXPECT_NE(outcome.message.find(arm ? "built for x86-64" : "built for aarch64"), std::string::npos)
      << outcome.message;
}

TEST_P(ExecutorConformance, TruncatedAndMissingArtifactsAreRefused) {
  BuildCKernel(device(), artifact_, "");
  std::filesystem::resize_file(artifact_, 700);
  const RunOutcome truncated = Run(Request(ElementwiseEntry(16)));
  EXPECT_EQ(truncated.status, RunStatus::kInfra);
  EXPECT_NE(truncated.message.find("bad artifact"), std::string::npos) << truncated.message;
  std::filesystem::remove(artifact_);
  const RunOutcome missing = Run(Request(ElementwiseEntry(16)));
  EXPECT_EQ(missing.status, RunStatus::kInfra);
  EXPECT_NE(missing.message.find("cannot open"), std::string::npos) << missing.message;
}

TEST_P(ExecutorConformance, ForbiddenSymbolIsRefused) {
  const RunOutcome outcome = RunC("extern int system(const char*); system(\"true\");");
  EXPECT_EQ(outcome.status, RunStatus::kInfra);
  EXPECT_NE(outcome.message.find("undefined symbol system"), std::string::npos) << outcome.message;
}

TEST_P(ExecutorConformance, WrongProtocolIsRefused) {
  BuildCKernel(device(), artifact_, "");
  RunRequest request = Request(ElementwiseEntry(16));
  request.protocol = kRunProtocolVersion + 1;
  const RunOutcome outcome = Run(request);
  EXPECT_EQ(outcome.status, RunStatus::kInfra);
  EXPECT_NE(outcome.message.find("protocol"), std::string::npos) << outcome.message;
}

// Few runs in ./check; HALYARD_CONFORMANCE_RUNS=500 for a campaign.
int ManyRuns() {
  const char* told = std::getenv("HALYARD_CONFORMANCE_RUNS");
  return told != nullptr ? std::atoi(told) : 30;
}

TEST_P(ExecutorConformance, ManyRunsLeaveNothingBehind) {
  BuildCKernel(device(), artifact_, "for (long i = 0; i < N; ++i) OUT[i] = IN[i];");
  const RunRequest request = Request(ElementwiseEntry(64));
  // Other tests may be using the machine's temporary folder.
  std::filesystem::create_directory(folder_.Path("tmp"));
  setenv("TMPDIR", folder_.Path("tmp").c_str(), 1);
  ASSERT_EQ(Run(request).status, RunStatus::kOk);
  const size_t files = OpenFiles().size();
  const size_t temporary = TemporaryEntries();
  const std::vector<std::string> on_board = board_->FilesOnBoard();
  for (int i = 0; i < ManyRuns(); ++i) {
    const RunOutcome outcome = Run(request);
    ASSERT_EQ(outcome.status, RunStatus::kOk) << "run " << i << ": " << outcome.message;
  }
  EXPECT_EQ(OpenFiles().size(), files);
  EXPECT_EQ(TemporaryEntries(), temporary);
  unsetenv("TMPDIR");
  EXPECT_EQ(Children(), children_before_);
  EXPECT_TRUE(NothingRunsOnBoard());
  EXPECT_EQ(board_->FilesOnBoard(), on_board);
}

TEST_P(ExecutorConformance, AnExecutorThatEndsLeavesOnlyTheRunner) {
  BuildCKernel(device(), artifact_, "for (long i = 0; i < N; ++i) OUT[i] = IN[i];");
  ASSERT_EQ(Run(Request(ElementwiseEntry(64))).status, RunStatus::kOk);
  executor_.reset();
  EXPECT_TRUE(NothingRunsOnBoard());
  EXPECT_EQ(board_->FilesOnBoard(), std::vector<std::string>{});
}

TEST_P(ExecutorConformance, AConnectionCutMidRunIsALostBoardAndNothingRunsOn) {
  if (!board_->has_connection()) GTEST_SKIP() << "no connection that could be cut";
  BuildCKernel(device(), artifact_, "for (long i = 0; i < N; ++i) OUT[i] = IN[i];");
  const RunRequest harmless = Request(ElementwiseEntry(64));
  ASSERT_EQ(Run(harmless).status, RunStatus::kOk);
  const std::string endless = folder_.Path("endless.so");
  BuildCKernel(device(), endless, "for (;;) OUT[0] = IN[0];");
  RunRequest request = harmless;
  request.candidates[0].artifact_path = endless;
  std::thread puller([&] {
    // Once the runner is at it.
    for (int i = 0; i < 500 && board_->ProcessesOnBoard().size() < 2; ++i) {
      std::this_thread::sleep_for(milliseconds(10));
    }
    board_->CutConnection();
  });
  const auto start = std::chrono::steady_clock::now();
  const RunOutcome outcome = Run(request, milliseconds(20'000));
  puller.join();
  EXPECT_EQ(outcome.status, RunStatus::kBoardLost) << outcome.message;
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(15'000));
  EXPECT_TRUE(NothingRunsOnBoard());
  board_->Reconnect();
  const RunOutcome again = Run(harmless);
  EXPECT_EQ(again.status, RunStatus::kOk) << again.message;
}

TEST_P(ExecutorConformance, ATunerThatIsKilledLeavesNothingRunningOnTheBoard) {
  if (!board_->tells_processes()) GTEST_SKIP() << "its processes cannot be told from others";
  BuildCKernel(device(), artifact_, "for (;;) OUT[0] = IN[0];");
  const RunRequest request = Request(ElementwiseEntry(64));
  const pid_t tuner = fork();
  if (tuner == 0) {
    Run(request, milliseconds(60'000));
    _exit(0);
  }
  const bool seen = Eventually([&] { return board_->ProcessesOnBoard().size() >= 1; });
  kill(tuner, SIGKILL);
  waitpid(tuner, nullptr, 0);
  EXPECT_TRUE(seen);
  EXPECT_TRUE(NothingRunsOnBoard());
}

TEST_P(ExecutorConformance, OversizedArtifactIsRefused) {
  BuildCKernel(device(), artifact_, "");
  std::filesystem::resize_file(artifact_, static_cast<uintmax_t>(kMostArtifactBytes) + 1);
  const RunOutcome outcome = Run(Request(ElementwiseEntry(16)));
  EXPECT_EQ(outcome.status, RunStatus::kInfra);
  EXPECT_NE(outcome.message.find("larger than"), std::string::npos) << outcome.message;
}

TEST_P(ExecutorConformance, TheBoardHasANameAndConditions) {
  EXPECT_EQ(executor_->board_kind(), device().board_kind());
  EXPECT_NE(executor_->board_id(), "");
  EXPECT_NE(executor_->environment(), "");
  EXPECT_EQ(executor_->environment().find('\n'), std::string::npos);
  const auto facts = executor_->facts();
  EXPECT_EQ(facts.has_value(), !is_virtual());
  if (!facts) return;
  EXPECT_EQ(facts->protocol, kRunProtocolVersion);
  EXPECT_GT(facts->cores, 0);
  EXPECT_GT(facts->memory_bytes, 0);
  EXPECT_GT(facts->free_disk_bytes, 0);
  EXPECT_FALSE(facts->cpu_features.empty());
}

class VirtualBoardOfDevice : public testing::TestWithParam<const char*> {};

// Every virtual board runs what is built for its device, and says the same 20 times over.
TEST_P(VirtualBoardOfDevice, CountsTheSameEachTime) {
  const absl::StatusOr<Device> device = LoadDevice(GetParam());
  ASSERT_TRUE(device.ok()) << device.status();
  ScratchFolder folder;
  auto executor = MakeExecutor(*device);
  ASSERT_TRUE(executor.ok()) << executor.status();
  BuildMatmul(*device, folder.Path("k"), true);
  RunRequest request;
  request.mode = RunMode::kCount;
  request.threads = device->cores;
  request.caches_warm = true;
  request.candidates = {{folder.Path("k"), {MatmulEntry(24)}}};
  std::set<std::string> distinct;
  for (int i = 0; i < 20; ++i) {
    const RunOutcome outcome = (*executor)->Run(request, milliseconds(15'000));
    ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
    const EntryResult& result = outcome.reply.candidates.at(0).at(0);
    ASSERT_EQ(result.kernel_error, 0) << result.kernel_message;
    EXPECT_EQ(result.regions.at(0).cycles.size(), std::max<size_t>(1, device->clusters.size()));
    distinct.insert(nlohmann::json(outcome.reply).dump());
  }
  EXPECT_EQ(distinct.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Devices, VirtualBoardOfDevice,
                         testing::Values("jetson-nano", "jetson-orin-nano", "rpi5",
                                         "snapdragon-8gen3"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace halyard
