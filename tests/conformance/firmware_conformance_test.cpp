// What the executor of devices without an operating system must do: the cases of every executor as
// far as they apply, and the faults of a microcontroller. HALYARD_FIRMWARE_RUNS names how often
// each fault is tried, and for how many runs nothing may be left over.
#include <arpa/inet.h>
#include <dirent.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <set>
#include <thread>

#include "rpc_farm/gdb_executor.h"
#include "targets/child_process.h"
#include "targets/counter_rng.h"
#include "tests/conformance/firmware_artifacts.h"
#include "tests/conformance/test_artifacts.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

int Repeats() {
  const char* named = std::getenv("HALYARD_FIRMWARE_RUNS");
  return named != nullptr ? std::atoi(named) : 1;
}

int OpenFiles() {
  int count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

std::set<std::string> FilesIn(const std::string& folder_name) {
  std::set<std::string> names;
  DIR* folder = opendir(folder_name.c_str());
  while (const dirent* entry = readdir(folder)) names.insert(entry->d_name);
  closedir(folder);
  return names;
}

// Processes whose parent this one is.
int Children() {
  std::ifstream file("/proc/self/task/" + std::to_string(getpid()) + "/children");
  int count = 0;
  for (std::string pid; file >> pid;) ++count;
  return count;
}

class FirmwareConformance : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto device = LoadDevice(GetParam());
    ASSERT_TRUE(device.ok()) << device.status();
    device_ = *device;
    auto executor = GdbExecutor::Make(device_);
    ASSERT_TRUE(executor.ok()) << executor.status();
    executor_ = *std::move(executor);
    artifact_ = folder_.Path("kernel.o");
  }

  RunRequest Request(const EntrySpec& entry) const {
    RunRequest request;
    request.mode = RunMode::kCount;
    request.seed = 7;
    request.candidates = {{artifact_, {entry}}};
    return request;
  }
  RunOutcome Run(const RunRequest& request, milliseconds deadline = milliseconds(10'000)) {
    return executor_->Run(request, deadline);
  }
  RunOutcome RunC(const std::string& body, milliseconds deadline = milliseconds(10'000),
                  const std::string& outside = "") {
    BuildFirmwareKernel(device_, artifact_, body, "", outside);
    return Run(Request(ElementwiseEntry(100)), deadline);
  }
  static const EntryResult& Only(const RunOutcome& outcome) {
    return outcome.reply.candidates.at(0).at(0);
  }
  // A good kernel runs, and soon.
  void ExpectSound() {
    const auto begin = Clock::now();
    const RunOutcome outcome = RunC(kDouble);
    ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
    EXPECT_FLOAT_EQ(Only(outcome).probe_values.at(1), 2 * CounterUniform(7, 0, 99));
    EXPECT_LT(Clock::now() - begin, std::chrono::seconds(5));
  }
  // Each time typed alike, and a good kernel runs after it.
  void ExpectFault(const std::string& body, const std::string& message,
                   const std::string& outside = "") {
    for (int i = 0; i < Repeats(); ++i) {
      const RunOutcome outcome = RunC(body, milliseconds(10'000), outside);
      EXPECT_EQ(outcome.status, RunStatus::kCrash) << outcome.message;
      EXPECT_NE(outcome.message.find(message), std::string::npos) << outcome.message;
      EXPECT_NE(outcome.message.find("CFSR 0x"), std::string::npos) << outcome.message;
      ExpectSound();
    }
  }

  static constexpr char kDouble[] = "for (int i = 0; i < N; ++i) OUT[i] = 2 * IN[i];";

  ScratchFolder folder_;
  Device device_;
  std::unique_ptr<GdbExecutor> executor_;
  std::string artifact_;
};

TEST_P(FirmwareConformance, RightResult) {
  BuildFirmwareKernel(device_, artifact_, kDouble);
  EntrySpec entry = ElementwiseEntry(100);
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
  double projection = 0;
  for (uint64_t i = 0; i < 100; ++i) {
    projection += ProjectionSign(7, 0, i) * 2 * CounterUniform(7, 0, i);
  }
  EXPECT_NEAR(result.projection, projection, 1e-9);
  EXPECT_TRUE(result.samples_ns.empty());
  // A load, an addition, a store and the loop's two or three, give or take the way in.
  EXPECT_GT(result.serial_cycles, 2 * 100);
  EXPECT_LT(result.serial_cycles, 12 * 100);
  EXPECT_GE(result.instructions.at("fp_store"), 100);
}

TEST_P(FirmwareConformance, TheSameConfigCountsTheSame) {
  BuildFirmwareKernel(device_, artifact_, kDouble);
  std::set<double> cycles;
  for (int i = 0; i < 20; ++i) {
    const RunOutcome outcome = Run(Request(ElementwiseEntry(100)));
    ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
    cycles.insert(Only(outcome).serial_cycles);
  }
  EXPECT_EQ(cycles.size(), 1u);
}

// Without costs of instructions, SysTick tells how many there were: it has 24 bits, and 2^24 ticks
// are less than 11 million instructions.
TEST_P(FirmwareConformance, LongRunsAreCountedAcrossTheClocksWraps) {
  device_.firmware->emulator.costs = {};
  executor_ = *GdbExecutor::Make(device_);
  const auto cycles = [&](const char* steps) {
    const RunOutcome outcome =
        RunC(std::string("for (int i = 0; i < N; ++i) OUT[i] = 1;\n"
                         "for (unsigned i = 0; i < ") +
             steps + "u; ++i) __asm__ volatile(\"nop\\n nop\\n nop\\n nop\");");
    EXPECT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
    return outcome.status == RunStatus::kOk ? Only(outcome).serial_cycles : 0;
  };
  const double one = cycles("1000000"), ten = cycles("10000000");
  EXPECT_GT(one, 5e6);
  EXPECT_NEAR(ten / one, 10, 0.01);
}

TEST_P(FirmwareConformance, WritesJustOutsideTheOutputAreSeen) {
  RunOutcome outcome = RunC("for (int i = 0; i <= N; ++i) OUT[i] = IN[0];");
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  EXPECT_FALSE(Only(outcome).guards_intact);
  outcome = RunC("for (int i = -1; i < N; ++i) OUT[i] = IN[0];");
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  EXPECT_FALSE(Only(outcome).guards_intact);
}

TEST_P(FirmwareConformance, UnwrittenAndNonFiniteOutputIsSeen) {
  RunOutcome outcome = RunC("for (int i = 0; i < N - 3; ++i) OUT[i] = IN[0];");
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  EXPECT_EQ(Only(outcome).poison_left, 3);
  EXPECT_EQ(Only(outcome).non_finite, 3);
  outcome = RunC("for (int i = 0; i < N; ++i) OUT[i] = 1; OUT[0] = 0.0f / (IN[0] - IN[0]);");
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  EXPECT_EQ(Only(outcome).poison_left, 0);
  EXPECT_EQ(Only(outcome).non_finite, 1);
  EXPECT_TRUE(std::isnan(Only(outcome).probe_values[0]));
}

TEST_P(FirmwareConformance, ModifiedInputIsSeen) {
  const RunOutcome outcome = RunC("for (int i = 0; i < N; ++i) OUT[i] = 1; IN[5] += 1;");
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  EXPECT_FALSE(Only(outcome).inputs_intact);
}

constexpr char kPack[] =
    "static int calls; ++calls;\n"
    "for (int i = 0; i + 1 < N; ++i) OUT[i] = IN[i];\n"
    "OUT[N - 1] = calls;";

TEST_P(FirmwareConformance, WhatIsPreparedIsPreparedOnceAndTakesTheInputsPlace) {
  BuildFirmwareKernel(device_, artifact_, "for (int i = 0; i < N; ++i) OUT[i] = IN[i] + IN[N];",
                      kPack);
  RunOutcome outcome = Run(Request(PreparedEntry(100)));
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  EXPECT_TRUE(Only(outcome).inputs_intact);
  EXPECT_FLOAT_EQ(Only(outcome).probe_values[1], CounterUniform(7, 0, 99) + 1);
  BuildFirmwareKernel(device_, artifact_, "for (int i = 0; i < N; ++i) OUT[i] = 1; IN[N] += 1;",
                      kPack);
  outcome = Run(Request(PreparedEntry(100)));
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  EXPECT_FALSE(Only(outcome).inputs_intact);
  BuildFirmwareKernel(device_, artifact_, kDouble, "return -5;");
  outcome = Run(Request(PreparedEntry(100)));
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  EXPECT_EQ(Only(outcome).kernel_error, -5);
  BuildFirmwareKernel(device_, artifact_, kDouble);
  outcome = Run(Request(PreparedEntry(100)));
  EXPECT_EQ(outcome.status, RunStatus::kInfra);
  EXPECT_NE(outcome.message.find("pack_argv"), std::string::npos) << outcome.message;
}

TEST_P(FirmwareConformance, KernelsOwnErrorIsReported) {
  const RunOutcome outcome = RunC("return -7;");
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  EXPECT_EQ(Only(outcome).kernel_error, -7);
}

TEST_P(FirmwareConformance, SeveralCandidatesInOneImage) {
  BuildFirmwareKernel(device_, artifact_, kDouble);
  RunRequest request = Request(ElementwiseEntry(100));
  artifact_ = folder_.Path("second.o");
  BuildFirmwareKernel(device_, artifact_, "for (int i = 0; i < N; ++i) OUT[i] = 3 * IN[i];");
  request.candidates.push_back({artifact_, {ElementwiseEntry(100), ElementwiseEntry(50)}});
  const RunOutcome outcome = Run(request);
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  ASSERT_EQ(outcome.reply.candidates.size(), 2u);
  ASSERT_EQ(outcome.reply.candidates[1].size(), 2u);
  EXPECT_FLOAT_EQ(outcome.reply.candidates[0][0].probe_values[1], 2 * CounterUniform(7, 0, 99));
  EXPECT_FLOAT_EQ(outcome.reply.candidates[1][0].probe_values[1], 3 * CounterUniform(7, 0, 99));
  EXPECT_FLOAT_EQ(outcome.reply.candidates[1][1].probe_values[1], 3 * CounterUniform(7, 0, 49));
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

TEST_P(FirmwareConformance, EndlessLoopIsStoppedAtTheDeadline) {
  for (int i = 0; i < Repeats(); ++i) {
    const auto begin = Clock::now();
    const RunOutcome outcome = RunC("for (;;) OUT[0] = 1;", milliseconds(700));
    EXPECT_EQ(outcome.status, RunStatus::kTimeout) << outcome.message;
    EXPECT_LT(Clock::now() - begin, milliseconds(2500));
    ExpectSound();
  }
}

TEST_P(FirmwareConformance, AnEmulatorThatGoesAwayIsALostBoard) {
  for (int i = 0; i < Repeats(); ++i) {
    std::thread killer([&] {
      while (executor_->emulator_pid() == 0) std::this_thread::sleep_for(milliseconds(1));
      std::this_thread::sleep_for(milliseconds(20 * (i % 16)));
      kill(executor_->emulator_pid(), SIGKILL);
    });
    const RunOutcome outcome = RunC("for (;;) OUT[0] = 1;", milliseconds(10'000));
    killer.join();
    EXPECT_EQ(outcome.status, RunStatus::kBoardLost) << outcome.message;
    ExpectSound();
  }
}

TEST_P(FirmwareConformance, WhatDoesNotFitIsNotLoaded) {
  BuildFirmwareKernel(device_, artifact_, kDouble);
  RunOutcome outcome = Run(Request(ElementwiseEntry(1'000'000)));
  EXPECT_EQ(outcome.status, RunStatus::kResource);
  EXPECT_NE(outcome.message.find("8000256 bytes of RAM"), std::string::npos) << outcome.message;
  BuildFirmwareKernel(device_, artifact_, kDouble, "", "const int table[1000000] = {1};");
  outcome = Run(Request(ElementwiseEntry(100)));
  EXPECT_EQ(outcome.status, RunStatus::kResource);
  EXPECT_NE(outcome.message.find("code and constants take"), std::string::npos) << outcome.message;
}

TEST_P(FirmwareConformance, ArtifactsOfOtherKindsAreRefused) {
  std::ofstream(artifact_) << "not an object";
  RunOutcome outcome = Run(Request(ElementwiseEntry(100)));
  EXPECT_EQ(outcome.status, RunStatus::kInfra);
  EXPECT_EQ(outcome.message, "bad artifact: not an object for this device: not an ELF file");
  BuildCKernel(*LoadDevice("rpi4"), artifact_, "OUT[0] = 1;");
  outcome = Run(Request(ElementwiseEntry(100)));
  EXPECT_EQ(outcome.status, RunStatus::kInfra);
  EXPECT_NE(outcome.message.find("not for 32-bit Arm"), std::string::npos) << outcome.message;
  outcome = Run([&] {
    RunRequest request = Request(ElementwiseEntry(100));
    request.candidates[0].artifact_path = folder_.Path("missing");
    return request;
  }());
  EXPECT_EQ(outcome.status, RunStatus::kInfra);
}

TEST_P(FirmwareConformance, ManyRunsLeaveNothingBehind) {
  // A folder of its own for temporary files: other programs use the usual one.
  const ScratchFolder temporary_folder;
  const char* before = std::getenv("TMPDIR");
  const std::string restored = before != nullptr ? before : "";
  setenv("TMPDIR", temporary_folder.Path("").c_str(), 1);
  ExpectSound();
  const int files = OpenFiles();
  const std::set<std::string> temporary = FilesIn(temporary_folder.Path(""));
  for (int i = 0; i < 5 * Repeats(); ++i) ExpectSound();
  EXPECT_EQ(OpenFiles(), files);
  EXPECT_EQ(FilesIn(temporary_folder.Path("")), temporary);
  EXPECT_EQ(Children(), 0);
  restored.empty() ? unsetenv("TMPDIR") : setenv("TMPDIR", restored.c_str(), 1);
}

// A GDB server that somebody else started, as OpenOCD's is: qemu's, at a port.
class Server {
 public:
  explicit Server(const std::string& machine) {
    const int probe = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(probe, reinterpret_cast<sockaddr*>(&address), size) != 0) abort();
    getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    close(probe);
    const std::string debugger = "tcp:127.0.0.1:" + std::to_string(port_);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      execlp("qemu-system-arm", "qemu-system-arm", "-M", machine.c_str(), "-nodefaults", "-display",
             "none", "-S", "-icount", "shift=6,sleep=off", "-gdb", debugger.c_str(), nullptr);
      _exit(127);
    }
    for (int i = 0; i < 200; ++i) {
      const int fd = socket(AF_INET, SOCK_STREAM, 0);
      const bool listens = connect(fd, reinterpret_cast<sockaddr*>(&address), size) == 0;
      close(fd);
      if (listens) return;
      std::this_thread::sleep_for(milliseconds(20));
    }
  }
  ~Server() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  int port() const { return port_; }

 private:
  int port_ = 0;
  pid_t pid_ = 0;
};

// The way of a real board: the server outlives runs and their faults, samples are times.
TEST_P(FirmwareConformance, ABoardBehindAServer) {
  const Server server(device_.firmware->emulator.machine);
  device_.board = *ParseBoardAddress("gdb:127.0.0.1:" + std::to_string(server.port()));
  // Where this board has its memory; all of it is RAM.
  device_.firmware->memory = device_.firmware->emulator.memory;
  for (MemoryRegion& region : device_.firmware->memory) region.kind = MemoryKind::kRam;
  executor_ = *GdbExecutor::Make(device_);
  EXPECT_EQ(executor_->board_kind(), BoardKind::kPhysical);
  BuildFirmwareKernel(device_, artifact_, kDouble);
  RunRequest request = Request(ElementwiseEntry(100));
  request.mode = RunMode::kMeasure;
  request.timing.samples = 3;
  RunOutcome outcome = Run(request);
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  ASSERT_EQ(Only(outcome).samples_ns.size(), 3u);
  EXPECT_GT(Only(outcome).samples_ns[0], 0);
  outcome = RunC("*(volatile int*)0 = 1;");
  EXPECT_EQ(outcome.status, RunStatus::kCrash) << outcome.message;
  outcome = RunC("for (;;) OUT[0] = 1;", milliseconds(500));
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
  device_.board = *ParseBoardAddress("gdb:127.0.0.1:1");
  executor_ = *GdbExecutor::Make(device_);
  const RunOutcome outcome = RunC(kDouble);
  EXPECT_EQ(outcome.status, RunStatus::kBoardLost);
  EXPECT_NE(outcome.message.find("no GDB server at 127.0.0.1:1"), std::string::npos)
      << outcome.message;
}

INSTANTIATE_TEST_SUITE_P(Devices, FirmwareConformance,
                         testing::Values("cortex-m4", "cortex-m7", "cortex-m55"),
                         [](const auto& info) {
                           std::string name = info.param;
                           name.erase(name.find('-'), 1);
                           return name;
                         });

}  // namespace
}  // namespace halyard
