// The virtual boards of devices without an operating system, and what only a microcontroller can
// do: its faults, its clock, its memory, a debugger's server. HALYARD_FIRMWARE_RUNS names how often
// each fault is tried.
#include <signal.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <thread>

#include "rpc_farm/gdb_executor.h"
#include "targets/counter_rng.h"
#include "tests/conformance/executor_conformance.h"
#include "tests/conformance/gdb_server.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

int Repeats() {
  const char* named = std::getenv("HALYARD_FIRMWARE_RUNS");
  return named != nullptr ? std::atoi(named) : 1;
}

class FirmwareConformance : public ExecutorConformance {
 protected:
  RunOutcome RunOn100(const std::string& body, milliseconds deadline = milliseconds(10'000),
                      const std::string& outside = "") {
    BuildCKernel(device(), artifact_, body, "", outside);
    return Run(Request(ElementwiseEntry(100)), deadline);
  }
  // A good kernel runs, and soon.
  void ExpectSound() {
    const auto begin = Clock::now();
    const RunOutcome outcome = RunOn100(kDouble);
    ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
    EXPECT_FLOAT_EQ(Only(outcome).probe_values.at(1), 2 * CounterUniform(7, 0, 99));
    EXPECT_LT(Clock::now() - begin, std::chrono::seconds(5));
  }
  // Each time typed alike, and a good kernel runs after it.
  void ExpectFault(const std::string& body, const std::string& message,
                   const std::string& outside = "") {
    for (int i = 0; i < Repeats(); ++i) {
      const RunOutcome outcome = RunOn100(body, milliseconds(10'000), outside);
      EXPECT_EQ(outcome.status, RunStatus::kCrash) << outcome.message;
      EXPECT_NE(outcome.message.find(message), std::string::npos) << outcome.message;
      EXPECT_NE(outcome.message.find("CFSR 0x"), std::string::npos) << outcome.message;
      ExpectSound();
    }
  }
};

TEST_P(FirmwareConformance, TheSameConfigCountsTheSame) {
  BuildCKernel(device(), artifact_, kDouble);
  std::set<double> cycles;
  for (int i = 0; i < 20; ++i) {
    const RunOutcome outcome = Run(Request(ElementwiseEntry(100)));
    ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
    const EntryResult& result = Only(outcome);
    // A load, an addition, a store and the loop's two or three, give or take the way in.
    EXPECT_GT(result.serial_cycles, 2 * 100);
    EXPECT_LT(result.serial_cycles, 12 * 100);
    EXPECT_GE(result.instructions.at("fp_store"), 100);
    cycles.insert(result.serial_cycles);
  }
  EXPECT_EQ(cycles.size(), 1u);
}

// Without costs of instructions, SysTick tells how many there were: it has 24 bits, and 2^24 ticks
// are less than 11 million instructions.
TEST_P(FirmwareConformance, LongRunsAreCountedAcrossTheClocksWraps) {
  Device plain = device();
  plain.firmware->emulator.costs = {};
  ASSERT_NO_FATAL_FAILURE(Use(std::make_unique<BoardUnderTest>(plain)));
  const auto cycles = [&](const char* steps) {
    const RunOutcome outcome =
        RunOn100(std::string("for (int i = 0; i < N; ++i) OUT[i] = 1;\n"
                             "for (unsigned i = 0; i < ") +
                 steps + "u; ++i) __asm__ volatile(\"nop\\n nop\\n nop\\n nop\");");
    EXPECT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
    return outcome.status == RunStatus::kOk ? Only(outcome).serial_cycles : 0;
  };
  const double one = cycles("1000000"), ten = cycles("10000000");
  EXPECT_GT(one, 5e6);
  EXPECT_NEAR(ten / one, 10, 0.01);
}

TEST_P(FirmwareConformance, NullPointerIsACrash) {
  ExpectFault("*(volatile int*)0 = 1;", "access to memory it may not touch at 0x00000000");
  ExpectFault("OUT[0] = *(volatile int*)8;", "access to memory it may not touch at 0x00000008");
}

TEST_P(FirmwareConformance, UnalignedAccessIsACrash) {
  ExpectFault("OUT[0] = *(volatile int*)((char*)IN + 1);", "unaligned access");
}

TEST_P(FirmwareConformance, WritingFarOutsideIsACrash) {
  ExpectFault("for (int i = 0; ; ++i) OUT[i] = 1;", "fault");
}

TEST_P(FirmwareConformance, TheFirmwaresOwnMemoryIsOutOfReach) {
  // From the output down: the kernel's data, its stack, then what is the firmware's.
  ExpectFault("for (int i = 0; ; --i) OUT[i] = 1;", "fault");
  ExpectFault("*(volatile int*)0xE000ED08 = 0;", "BusFault");  // where the vectors lie
}

TEST_P(FirmwareConformance, StackOverflowIsACrash) {
  ExpectFault(
      "OUT[0] = deep((int)IN[0] + 1);", "fault",
      "static __attribute__((noinline)) int deep(int n) {\n"
      "  volatile int big[40]; big[n % 40] = n; return n == 0 ? 0 : deep(n + 1) + big[3]; }");
}

TEST_P(FirmwareConformance, UndefinedInstructionIsACrash) {
  ExpectFault("__asm__ volatile(\"udf #1\");", "undefined instruction");
}

TEST_P(FirmwareConformance, DivisionByZeroIsACrash) {
  ExpectFault("volatile int zero = 0; OUT[0] = 5 / zero;", "division by zero");
}

TEST_P(FirmwareConformance, AnEmulatorThatGoesAwayIsALostBoard) {
  const auto& executor = dynamic_cast<const GdbExecutor&>(*executor_);
  for (int i = 0; i < Repeats(); ++i) {
    std::thread killer([&] {
      while (executor.emulator_pid() == 0) std::this_thread::sleep_for(milliseconds(1));
      std::this_thread::sleep_for(milliseconds(20 * (i % 16)));
      kill(executor.emulator_pid(), SIGKILL);
    });
    const RunOutcome outcome = RunOn100("for (;;) OUT[0] = 1;", milliseconds(10'000));
    killer.join();
    EXPECT_EQ(outcome.status, RunStatus::kBoardLost) << outcome.message;
    ExpectSound();
  }
}

TEST_P(FirmwareConformance, WhatDoesNotFitIsNotLoaded) {
  BuildCKernel(device(), artifact_, kDouble);
  RunOutcome outcome = Run(Request(ElementwiseEntry(1'000'000)));
  EXPECT_EQ(outcome.status, RunStatus::kResource);
  EXPECT_NE(outcome.message.find("8000256 bytes of RAM"), std::string::npos) << outcome.message;
  BuildCKernel(device(), artifact_, kDouble, "", "const int table[1000000] = {1};");
  outcome = Run(Request(ElementwiseEntry(100)));
  EXPECT_EQ(outcome.status, RunStatus::kResource);
  EXPECT_NE(outcome.message.find("code and constants take"), std::string::npos) << outcome.message;
}

TEST_P(FirmwareConformance, ArtifactsOfOtherKindsAreRefused) {
  std::ofstream(artifact_) << "not an object";
  RunOutcome outcome = Run(Request(ElementwiseEntry(100)));
  EXPECT_EQ(outcome.status, RunStatus::kRejected);
  EXPECT_EQ(outcome.message, "bad artifact: not an object for this device: not an ELF file");
  BuildCKernel(*LoadDevice("rpi4"), artifact_, "OUT[0] = 1;");
  outcome = Run(Request(ElementwiseEntry(100)));
  EXPECT_EQ(outcome.status, RunStatus::kRejected);
  EXPECT_NE(outcome.message.find("not for 32-bit Arm"), std::string::npos) << outcome.message;
}

// The way of a real board: the server outlives runs and their faults, samples are times.
TEST_P(FirmwareConformance, ABoardBehindAServer) {
  Device served = device();
  const GdbServer server(served.firmware->emulator.machine);
  served.board = *ParseBoardAddress(server.address());
  // Where this board has its memory; all of it is RAM.
  served.firmware->memory = served.firmware->emulator.memory;
  for (MemoryRegion& region : served.firmware->memory) region.kind = MemoryKind::kRam;
  ASSERT_NO_FATAL_FAILURE(Use(std::make_unique<BoardUnderTest>(served)));
  EXPECT_EQ(executor_->board_kind(), BoardKind::kPhysical);
  BuildCKernel(device(), artifact_, kDouble);
  RunRequest request = Request(ElementwiseEntry(100));
  request.mode = RunMode::kMeasure;
  request.timing.samples = 3;
  RunOutcome outcome = Run(request);
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  ASSERT_EQ(Only(outcome).samples_ns.size(), 3u);
  EXPECT_GT(Only(outcome).samples_ns[0], 0);
  outcome = RunOn100("*(volatile int*)0 = 1;");
  EXPECT_EQ(outcome.status, RunStatus::kCrash) << outcome.message;
  outcome = RunOn100("for (;;) OUT[0] = 1;", milliseconds(500));
  EXPECT_EQ(outcome.status, RunStatus::kTimeout) << outcome.message;
  ExpectSound();
  request.mode = RunMode::kInterleave;
  request.rounds = 4;
  request.candidates.push_back(request.candidates[0]);
  outcome = Run(request);
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  for (const auto& entries : outcome.reply.candidates) {
    EXPECT_EQ(entries.at(0).samples_ns.size(), 4u);
  }
}

TEST_P(FirmwareConformance, NobodyAtTheAddressIsALostBoard) {
  Device served = device();
  served.board = *ParseBoardAddress("gdb:127.0.0.1:1");
  ASSERT_NO_FATAL_FAILURE(Use(std::make_unique<BoardUnderTest>(served)));
  const RunOutcome outcome = RunOn100(kDouble);
  EXPECT_EQ(outcome.status, RunStatus::kBoardLost);
  EXPECT_NE(outcome.message.find("no GDB server at 127.0.0.1:1"), std::string::npos)
      << outcome.message;
}

constexpr char kM4[] = "cortex-m4", kM7[] = "cortex-m7", kM55[] = "cortex-m55";

template <const char* kId>
std::unique_ptr<BoardUnderTest> MakeVirtual() {
  return std::make_unique<BoardUnderTest>(kId);
}

INSTANTIATE_TEST_SUITE_P(CortexM4, ExecutorConformance, testing::Values(&MakeVirtual<kM4>));
INSTANTIATE_TEST_SUITE_P(CortexM7, ExecutorConformance, testing::Values(&MakeVirtual<kM7>));
INSTANTIATE_TEST_SUITE_P(CortexM55, ExecutorConformance, testing::Values(&MakeVirtual<kM55>));
INSTANTIATE_TEST_SUITE_P(CortexM4, FirmwareConformance, testing::Values(&MakeVirtual<kM4>));
INSTANTIATE_TEST_SUITE_P(CortexM7, FirmwareConformance, testing::Values(&MakeVirtual<kM7>));
INSTANTIATE_TEST_SUITE_P(CortexM55, FirmwareConformance, testing::Values(&MakeVirtual<kM55>));

}  // namespace
}  // namespace halyard
