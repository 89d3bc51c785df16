// A board in a process of its own: what runs there is right, can be stopped as a whole, and leaves
// nothing whoever is killed.
#include "rpc_farm/agent/hosted_executor.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "absl/status/status.h"
#include "rpc_farm/agent/process_tree.h"
#include "tests/conformance/scratch_folder.h"
#include "tests/conformance/test_artifacts.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr char kCopy[] = "for (long i = 0; i < N; ++i) OUT[i] = IN[i];";
constexpr char kEndless[] = "for (;;) OUT[0] = IN[0];";
// A child that leaves its session and runs on; in x86-64's system calls, as the runner lets no
// library's be linked.
constexpr char kDaemon[] = R"(
  long r;
  asm volatile("syscall" : "=a"(r) : "a"(57L) : "rcx", "r11", "memory");
  if (r == 0) {
    asm volatile("syscall" : "=a"(r) : "a"(112L) : "rcx", "r11", "memory");
    for (;;) OUT[0] = IN[0];
  }
  for (long i = 0; i < N; ++i) OUT[i] = IN[i];
)";

class HostedBoardTest : public testing::Test {
 protected:
  HostedBoardTest() : executor_(processes_, Board("host local", BoardKind::kPhysical)) {}

  static HostedBoard Board(const std::string& device, BoardKind kind) {
    HostedBoard board;
    board.program = HALYARD_BOARD_HOST;
    board.device = device;
    board.kind = kind;
    // What a candidate leaves behind is to be cleared away without the sandbox's help.
    board.options = {"--unsafe-no-sandbox"};
    return board;
  }
  RunRequest Request(const std::string& body, const Device& device) {
    const std::string path = folder_.Path("kernel.so");
    BuildCKernel(device, path, body);
    RunRequest request;
    request.mode = device.board_kind() == BoardKind::kVirtual ? RunMode::kCount : RunMode::kMeasure;
    request.seed = 7;
    request.timing.samples = 3;
    request.timing.min_sample_ns = 100'000;
    request.candidates = {{path, {ElementwiseEntry(1000)}}};
    return request;
  }
  RunRequest Request(const std::string& body) { return Request(body, host_); }
  // Of this process, all the way down: hosts and what they run.
  static size_t Below() { return DescendantsOf(getpid()).size(); }
  static bool Eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 1000 && !condition(); ++i) std::this_thread::sleep_for(milliseconds(10));
    return condition();
  }

  const Device host_ = LoadDevice("host").value();
  ScratchFolder folder_;
  HostProcesses processes_;
  HostedExecutor executor_;
};

TEST_F(HostedBoardTest, RunsAKernelAndSaysWhatTheBoardIs) {
  ASSERT_TRUE(executor_.AwaitReady({}, milliseconds(20'000)).ok());
  EXPECT_EQ(executor_.board_id(), "host");
  EXPECT_NE(executor_.environment().find("kernel"), std::string::npos) << executor_.environment();
  ASSERT_TRUE(executor_.facts().has_value());
  EXPECT_GT(executor_.facts()->cores, 0);
  for (int i = 0; i < 3; ++i) {
    const RunOutcome outcome = executor_.Run(Request(kCopy), milliseconds(10'000));
    ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
    EXPECT_EQ(outcome.reply.candidates.at(0).at(0).samples_ns.size(), 3u);
  }
  EXPECT_EQ(executor_.restarts(), 0);
  EXPECT_EQ(Below(), 1u);
}

TEST_F(HostedBoardTest, AVirtualBoardCountsTheSameCyclesAsInThisProcess) {
  const Device device = LoadDevice("rpi4", "virtual").value();
  HostedExecutor executor(processes_, Board("rpi4 virtual", BoardKind::kVirtual));
  const RunRequest request = Request(kCopy, device);
  const RunOutcome hosted = executor.Run(request, milliseconds(30'000));
  const RunOutcome here = MakeExecutor(device).value()->Run(request, milliseconds(30'000));
  ASSERT_EQ(hosted.status, RunStatus::kOk) << hosted.message;
  ASSERT_EQ(here.status, RunStatus::kOk) << here.message;
  EXPECT_GT(hosted.reply.candidates.at(0).at(0).serial_cycles, 0);
  EXPECT_EQ(hosted.reply.candidates.at(0).at(0).serial_cycles,
            here.reply.candidates.at(0).at(0).serial_cycles);
}

TEST_F(HostedBoardTest, ACandidatesFaultsDoNotTouchTheHost) {
  ASSERT_TRUE(executor_.AwaitReady({}, milliseconds(20'000)).ok());
  const pid_t host = executor_.host_pid();
  EXPECT_EQ(executor_.Run(Request("*(volatile int*)8 = 1;"), milliseconds(10'000)).status,
            RunStatus::kCrash);
  EXPECT_EQ(executor_.Run(Request(kEndless), milliseconds(300)).status, RunStatus::kTimeout);
  EXPECT_EQ(executor_.Run(Request(kCopy), milliseconds(10'000)).status, RunStatus::kOk);
  EXPECT_EQ(executor_.host_pid(), host);
}

TEST_F(HostedBoardTest, WhatACandidateLeavesBehindIsGoneWhenItsRunEnds) {
  if (host_.toolchain != "x86_64-linux-gnu") GTEST_SKIP() << "system calls of x86-64";
  for (int i = 0; i < 3; ++i) {
    executor_.Run(Request(kDaemon), milliseconds(10'000));
    EXPECT_EQ(Below(), 1u) << "the host alone";
  }
}

TEST_F(HostedBoardTest, AStopEndsTheRunAsAWholeWithinHalfASecond) {
  ASSERT_TRUE(executor_.AwaitReady({}, milliseconds(20'000)).ok());
  const RunRequest endless = Request(kEndless);
  std::stop_source stop;
  Clock::time_point stopped;
  std::thread stopper([&] {
    EXPECT_TRUE(Eventually([] { return Below() > 1; }));
    stopped = Clock::now();
    stop.request_stop();
  });
  const RunOutcome outcome = executor_.RunUntil(stop.get_token(), endless, milliseconds(60'000));
  const auto took = Clock::now() - stopped;
  stopper.join();
  EXPECT_EQ(outcome.status, RunStatus::kInfra);
  EXPECT_EQ(outcome.message, "stopped");
  EXPECT_LT(took, milliseconds(500));
  EXPECT_LE(Below(), 1u) << "the host that was started again";
  // The next run does not know.
  EXPECT_EQ(executor_.Run(Request(kCopy), milliseconds(10'000)).status, RunStatus::kOk);
}

TEST_F(HostedBoardTest, AStopThatCameBeforeTheRunStopsIt) {
  std::stop_source stop;
  stop.request_stop();
  const auto start = Clock::now();
  const RunOutcome outcome =
      executor_.RunUntil(stop.get_token(), Request(kEndless), milliseconds(60'000));
  EXPECT_EQ(outcome.message, "stopped");
  EXPECT_LT(Clock::now() - start, milliseconds(5'000));
}

TEST_F(HostedBoardTest, AHostThatIsKilledIsALossLeavesNothingAndComesBack) {
  if (host_.toolchain != "x86_64-linux-gnu") GTEST_SKIP() << "system calls of x86-64";
  for (const char* body : {kEndless, kDaemon}) {
    ASSERT_TRUE(executor_.AwaitReady({}, milliseconds(20'000)).ok());
    const RunRequest request = Request(std::string(body) + kEndless);
    std::thread killer([&] {
      EXPECT_TRUE(Eventually([] { return Below() > 1; }));
      for (pid_t host : processes_.running()) kill(host, SIGKILL);
    });
    const RunOutcome outcome = executor_.Run(request, milliseconds(60'000));
    killer.join();
    EXPECT_EQ(outcome.status, RunStatus::kInfra) << outcome.message;
    EXPECT_LE(Below(), 1u) << "the host that was started again";
    EXPECT_EQ(executor_.Run(Request(kCopy), milliseconds(10'000)).status, RunStatus::kOk);
  }
  EXPECT_EQ(executor_.restarts(), 2);
}

TEST_F(HostedBoardTest, AHostThatIsStuckIsKilledAtTheDeadlineAndALittle) {
  ASSERT_TRUE(executor_.AwaitReady({}, milliseconds(20'000)).ok());
  kill(executor_.host_pid(), SIGSTOP);
  const auto start = Clock::now();
  const RunOutcome outcome = executor_.Run(Request(kCopy), milliseconds(200));
  EXPECT_EQ(outcome.status, RunStatus::kInfra);
  EXPECT_NE(outcome.message.find("stuck"), std::string::npos) << outcome.message;
  EXPECT_LT(Clock::now() - start, milliseconds(5'000));
  EXPECT_EQ(executor_.Run(Request(kCopy), milliseconds(10'000)).status, RunStatus::kOk);
}

TEST_F(HostedBoardTest, CommandsHaveADeadlineAndSayWhyTheyFailed) {
  const std::string file = folder_.Path("touched");
  EXPECT_TRUE(executor_.Command({}, "echo done > " + file, milliseconds(5'000)).ok());
  EXPECT_TRUE(std::filesystem::exists(file));
  const absl::Status failed =
      executor_.Command({}, "echo the relay is gone >&2; exit 3", milliseconds(5'000));
  EXPECT_NE(failed.message().find("exit code 3: the relay is gone"), std::string::npos) << failed;
  const absl::Status slow = executor_.Command({}, "sleep 60 & sleep 60", milliseconds(200));
  EXPECT_NE(slow.message().find("not done in 200 ms"), std::string::npos) << slow;
  EXPECT_TRUE(Eventually([] { return Below() <= 1; }));
}

TEST_F(HostedBoardTest, ABoardThatCannotBeReachedSaysWhy) {
  HostedExecutor executor(processes_, Board("rpi4 gdb:127.0.0.1:1", BoardKind::kPhysical));
  const absl::Status s = executor.AwaitReady({}, milliseconds(20'000));
  EXPECT_NE(s.message().find("rpi4"), std::string::npos) << s;
  const RunOutcome outcome = executor.Run(Request(kCopy), milliseconds(1'000));
  EXPECT_TRUE(IsInfrastructureLoss(outcome.status)) << outcome.message;
  EXPECT_NE(outcome.message.find("rpi4"), std::string::npos) << outcome.message;
  // The way to mend it is not the way to it.
  EXPECT_TRUE(executor.Command({}, "true", milliseconds(5'000)).ok());
}

TEST_F(HostedBoardTest, ScratchFilesOfARunThatWasKilledAreGoneToo) {
  const auto folders = [] {
    size_t count = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::temp_directory_path())) {
      count += entry.path().filename().string().starts_with("halyard-");
    }
    return count;
  };
  setenv("TMPDIR", folder_.Path("").c_str(), 1);
  {
    HostedExecutor executor(processes_, Board("rpi4 virtual", BoardKind::kVirtual));
    ASSERT_TRUE(executor.AwaitReady({}, milliseconds(20'000)).ok());
    std::stop_source stop;
    std::thread stopper([&] {
      EXPECT_TRUE(Eventually([] { return Below() > 1; }));
      stop.request_stop();
    });
    executor.RunUntil(stop.get_token(), Request(kEndless, LoadDevice("rpi4", "virtual").value()),
                      milliseconds(60'000));
    stopper.join();
    EXPECT_EQ(folders(), 1u) << "of the host that was started again";
  }
  EXPECT_EQ(folders(), 0u);
  unsetenv("TMPDIR");
}

}  // namespace
}  // namespace halyard
