// Kernels that lie: about their answer, about their time, about having run at all. None of them may
// come out as a result that would be logged as ok.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "rpc_farm/local_executor.h"
#include "targets/child_process.h"
#include "targets/counter_rng.h"
#include "tests/conformance/test_artifacts.h"

namespace halyard {
namespace {

constexpr int64_t kElements = 5000;
constexpr uint64_t kSeed = 7;

// The right answer in some microseconds, so that there is time to be forged. CALLS counts.
constexpr char kHonest[] = R"(
  static volatile long calls; long CALLS = ++calls; (void)CALLS;
  long call(long n, long a, long b, long c) {
    register long r10 asm("r10") = 0, r8 asm("r8") = 0;
    asm volatile("syscall" : "+a"(n) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                 : "rcx", "r11", "memory");
    return n;
  }
  (void)call;
  void work(void) { for (int again = 0; again < 20; ++again)
    for (long i = 0; i < N; ++i) OUT[i] = IN[i] + 1; }
)";

struct Lie {
  const char* name;
  const char* body;
};

constexpr Lie kLies[] = {
    {"writes a reply of its own and exits",
     "static const char reply[] = "
     "\"{\\\"protocol\\\":3,\\\"error\\\":\\\"\\\",\\\"peak_gflops\\\":0,"
     "\\\"copy_gb_per_s\\\":0,\\\"candidates\\\":[[{\\\"kernel_error\\\":0,\\\"kernel_message\\\":"
     "\\\"\\\",\\\"samples_ns\\\":[1],\\\"probe_bits\\\":[0,0],\\\"projection\\\":0,"
     "\\\"poison_left\\\":0,\\\"non_finite\\\":0,\\\"guards_intact\\\":true,"
     "\\\"inputs_intact\\\":true,\\\"serial_cycles\\\":0,\\\"regions\\\":[],"
     "\\\"instructions\\\":{}}]]}\";"
     "for (long fd = 0; fd < 64; ++fd) call(1, fd, (long)reply, sizeof(reply) - 1);"
     "call(231, 0, 0, 0);"},
    {"returns at once after its first call", "if (CALLS == 1) work();"},
    {"returns at once after its checked and its warm-up call", "if (CALLS <= 2) work();"},
    {"does half of its work later on",
     "if (CALLS <= 2) work(); else for (long i = 0; i < N / 2; ++i) OUT[i] = IN[i] + 1;"},
    {"writes NaN from its third call on",
     "work(); if (CALLS > 2) OUT[N / 2] = 0.0f / (IN[0] - IN[0]);"},
    {"writes one element too many from its third call on", "work(); if (CALLS > 2) OUT[N] = 1;"},
    {"writes one element too early from its third call on", "work(); if (CALLS > 2) OUT[-1] = 1;"},
    {"writes a page too far", "work(); OUT[N + 1024] = 1;"},
    {"changes an input from its third call on", "work(); if (CALLS > 2) IN[3] += 1;"},
    {"gives other answers from its third call on",
     "work(); if (CALLS > 2) for (long i = 0; i < N; ++i) OUT[i] = 2;"},
    // The worker's page is the first thing in a shared file; the answer's time lies at 32.
    {"overwrites the time in the shared page for ever",
     "work(); static char maps[65536]; static char stack[4096] __attribute__((aligned(16)));"
     "static volatile long* page; long fd = CALLS == 1 ? call(2, (long)\"/proc/self/maps\", 0, 0) "
     ": -1;"
     "if (CALLS == 1) { long n = 0, got; while ((got = call(0, fd, (long)maps + n, 4096)) > 0) n "
     "+= "
     "got;"
     "  for (long line = 0, i = 0; i < n; ++i) {"
     "    if (maps[i] == '\\n') line = i + 1;"
     "    if (page || maps[i] != 'm' || maps[i + 1] != 'e' || maps[i + 2] != 'm' || maps[i + 3] != "
     "'f')"
     "      continue;"
     "    unsigned long at = 0;"
     "    for (long c = line; maps[c] != '-'; ++c)"
     "      at = at * 16 + (maps[c] <= '9' ? maps[c] - '0' : maps[c] - 'a' + 10);"
     "    page = (volatile long*)at; }"

     "  if (page == 0) abort();"  // no /proc in a sandbox
     "  if (call(56, 0x10f00, (long)(stack + 4096), 0) == 0) for (;;) page[4] = 1000; }"},
};

class Forging : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    device_ = LoadDevice("host").value();
    if (device_.toolchain != "x86_64-linux-gnu") GTEST_SKIP() << "the kernels are for x86-64";
    std::shared_ptr<const Sandbox> sandbox;
    if (GetParam()) {
      auto made = Sandbox::Make();
      if (!made.ok()) GTEST_SKIP() << made.status().message();
      sandbox = *std::move(made);
    }
    runner_ = DataPath("board_runner/" + device_.toolchain + "/board_runner");
    executor_ = std::make_unique<LocalExecutor>(runner_, device_, "/sys", std::move(sandbox));
  }

  RunOutcome Run(const std::string& body, RunMode mode) {
    BuildCKernel(device_, folder_.Path("kernel"), kHonest + body);
    RunRequest request;
    request.mode = mode;
    request.seed = kSeed;
    request.rounds = 3;
    request.threads = 1;
    request.timing.samples = 3;
    request.candidates = {{folder_.Path("kernel"), {ElementwiseEntry(kElements)}}};
    return executor_->Run(request, std::chrono::seconds(20));
  }

  // As tuner/candidate_runner.cpp judges.
  static bool WouldBeLogged(const RunOutcome& outcome) {
    if (outcome.status != RunStatus::kOk) return false;
    const EntryResult& r = outcome.reply.candidates.at(0).at(0);
    const auto right = [&](size_t probe, uint64_t element) {
      return std::fabs(r.probe_values.at(probe) - CounterUniform(kSeed, 0, element) - 1) < 1e-5;
    };
    return r.kernel_error == 0 && r.guards_intact && r.inputs_intact && r.poison_left == 0 &&
           r.non_finite == 0 && r.doubt.empty() && !r.samples_ns.empty() && right(0, 0) &&
           right(1, kElements - 1);
  }

  ScratchFolder folder_;
  Device device_;
  std::string runner_;
  std::unique_ptr<LocalExecutor> executor_;
};

int Runs() {
  const char* told = std::getenv("HALYARD_CONFORMANCE_RUNS");
  return told != nullptr ? std::atoi(told) : 1;
}

TEST_P(Forging, AnHonestKernelIsLogged) {
  for (RunMode mode : {RunMode::kMeasure, RunMode::kInterleave}) {
    const RunOutcome outcome = Run("work();", mode);
    ASSERT_TRUE(WouldBeLogged(outcome)) << outcome.message << nlohmann::json(outcome.reply);
  }
}

TEST_P(Forging, NoLieIsLogged) {
  for (const Lie& lie : kLies) {
    SCOPED_TRACE(lie.name);
    for (int i = 0; i < Runs(); ++i) {
      const RunMode mode = i % 2 == 0 ? RunMode::kMeasure : RunMode::kInterleave;
      const RunOutcome outcome = Run(lie.body, mode);
      ASSERT_FALSE(WouldBeLogged(outcome)) << nlohmann::json(outcome.reply);
      ASSERT_NE(outcome.status, RunStatus::kInfra) << outcome.message;
    }
  }
}

// The runner is linked to fixed addresses, so that a kernel can know where its clock lies.
TEST_P(Forging, AClockThatIsPatchedIsNotBelieved) {
  const ChildResult symbols = RunChild({"llvm-nm-14", runner_}, "", ChildLimits{});
  ASSERT_EQ(symbols.exit_code, 0) << symbols.err;
  const size_t at = symbols.out.find(" T __clock_gettime\n");
  ASSERT_NE(at, std::string::npos);
  const std::string address = symbols.out.substr(at - 16, 16);
  // *ts = {0, 0}; return 0;
  const std::string patch = fmt::format(
      "static const unsigned char code[] = {{0x48, 0xC7, 0x06, 0, 0, 0, 0, 0x48, 0xC7, 0x46, 0x08, "
      "0, 0, 0, 0, 0x31, 0xC0, 0xC3}};"
      "unsigned char* clock = (unsigned char*)0x{}; work();"
      "if (CALLS == 1) {{"
      "  if (call(10, (long)clock & ~4095l, 8192, 7) != 0) abort();"
      "  for (unsigned i = 0; i < sizeof(code); ++i) clock[i] = code[i]; }}",
      address);
  for (int i = 0; i < Runs(); ++i) {
    const RunOutcome outcome = Run(patch, RunMode::kMeasure);
    ASSERT_FALSE(WouldBeLogged(outcome)) << nlohmann::json(outcome.reply);
    // A program whose clock stands still may also not get to its end.
    if (outcome.status == RunStatus::kTimeout) continue;
    ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
    EXPECT_THAT(outcome.reply.candidates[0][0].doubt, testing::StartsWith("forged time"));
    EXPECT_TRUE(outcome.reply.candidates[0][0].samples_ns.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Sandboxed, Forging, testing::Bool(), [](const auto& info) {
  return info.param ? std::string("yes") : std::string("no");
});

}  // namespace
}  // namespace halyard
