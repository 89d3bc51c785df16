// Kernels that lie about what they computed or how long it took: none of it is taken for good. Each
// is C that knows how the runner works, and runs where an agent runs candidates.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>

#include "rpc_farm/executor.h"
#include "targets/counter_rng.h"
#include "targets/timing_rules.h"
#include "tests/conformance/board_under_test.h"
#include "tests/conformance/harmful_kernels.h"
#include "tests/conformance/raw_system_calls.h"
#include "tests/conformance/sandbox_here.h"
#include "tests/conformance/test_artifacts.h"

namespace halyard {
namespace {

constexpr int64_t kElements = 1000;
constexpr uint64_t kSeed = 7;
// A time that is no lie: of the honest kernel's, at least.
constexpr double kTrue = 0.7;

int Runs(int usually) {
  const char* told = std::getenv("HALYARD_FORGING_RUNS");
  return told != nullptr ? std::atoi(told) : usually;
}

// The kernel's work, some 10 us of it. A function of its own: honest or not, it is the same
// instructions at the same place, and takes the same time.
constexpr char kWork[] = R"(
__attribute__((noinline, aligned(64)))
static void work(volatile float* OUT, volatile float* IN, long N) {
  for (int r = 0; r < 16; ++r) for (long i = 0; i < N; ++i) OUT[i] = 2 * IN[i] + r - 15;
}
)";

// NOW is the time in ns by the clock of the samples.
// CONTROL is where worker and judge meet, as handover.h has it, and SAY_DONE wakes the judge.
constexpr char kTools[] = R"(
#define WORK work(OUT, IN, N)
  long now(void) { long t[2]; SYS(clock_gettime, 4, t, 0); return t[0] * 1000000000 + t[1]; }
  typedef struct {
    volatile unsigned sequence;
    unsigned pad; unsigned what, slot, candidate, entry, warm, pad2; long offset; volatile long runs;
    volatile unsigned answered; volatile int error; volatile unsigned failed, rejected;
    volatile long begin, end; volatile char text[1000];
  } Page;
  Page* control(void) { return (Page*)SYS6(mmap, 0, 65536, 3, 1, 4, 0); }
  void say_done(void) { char c = 0; SYS(write, 5, &c, 1); }
  static int calls;
  ++calls;
)";

struct Forgery {
  const char* name;
  const char* body;
};

// The first call is the checked run.
constexpr Forgery kForgeries[] = {
    {"WrongAlways", "WORK; OUT[N / 3] += 1;"},
    {"WrongWhenTimed", "WORK; if (calls > 2) OUT[N / 3] += 1;"},
    {"NaNWhenTimed", "WORK; if (calls > 2) OUT[N / 3] = __builtin_nanf(\"\");"},
    {"WritesInFrontOfItsOutputWhenTimed", "WORK; if (calls > 2) OUT[-1] = 1;"},
    {"ChangesItsInputWhenTimed", "WORK; if (calls > 2) IN[N / 2] += 1;"},
    {"LeavesTheTimedRunsOut", "if (calls > 1) return 0; WORK;"},
    {"DoesHalfWhenTimed", "if (calls > 1) { N /= 2; } WORK;"},
    {"RunsOnceABurst", R"(
       static long last; const long since = now() - last;
       if (calls < 2 || since > 5000) { WORK; }
       last = now();)"},
    {"TellsAReplyOfItsOwn", kReplyOfItsOwn},
    {"SaysItWasShorter", R"(
       WORK;
       if (calls > 1) {  // Takes the worker's place for good.
         Page* page = control();
         unsigned seen = page->sequence;
         for (;;) {
           const long runs = page->runs;
           const long begin = now();
           for (long i = calls == 2 ? 1 : 0; i < runs; ++i) { WORK; }
           ++calls;
           page->answered = seen; page->begin = begin; page->end = begin + (now() - begin) / 3;
           say_done();
           while (page->sequence == seen) { }
           seen = page->sequence;
           if (page->what == 4) SYS(exit_group, 0, 0, 0);
         }
       })"},
    {"SaysItIsDoneBeforeItIs", R"(
       if (calls == 1) { WORK; return 0; }
       Page* page = control();
       unsigned seen = page->sequence;
       for (;;) {
         page->answered = seen; page->begin = now() - 1; page->end = now();
         say_done();
         WORK;
         while (page->sequence == seen) { }
         seen = page->sequence;
         if (page->what == 4) SYS(exit_group, 0, 0, 0);
       })"},
    {"RunsOnceHoweverOftenItIsAsked", R"(
       WORK;
       if (calls > 1) {
         Page* page = control();
         unsigned seen = page->sequence;
         for (;;) {
           const long begin = now();
           WORK;
           page->answered = seen; page->begin = begin; page->end = now();
           say_done();
           while (page->sequence == seen) { }
           seen = page->sequence;
           if (page->what == 4) SYS(exit_group, 0, 0, 0);
         }
       })"},
    {"AnswersWhatWasNotAsked", R"(
       WORK;
       for (int i = 0; i < 100; ++i) say_done();)"},
    {"CutsTheSharedMemory", R"(
       WORK;
       SYS(ftruncate, 4, 0, 0);)"},
};

class Forging : public testing::TestWithParam<Forgery> {
 protected:
  void SetUp() override {
    if (!SandboxHere().ok()) GTEST_SKIP() << SandboxHere().message();
    device_ = LoadDevice("host").value();
    device_.memory_bytes = int64_t{4} << 30;
    executor_ = MakeExecutor(device_, Sandbox::Make().value()).value();
    Build("honest", "WORK;");
    Build("forged", GetParam().body);
  }

  void Build(const std::string& name, const std::string& body) {
    BuildCKernel(device_, folder_.Path(name), kSystemCalls + (kTools + body), /*pack=*/"", kWork);
  }

  RunOutcome Run(const std::string& name) {
    RunRequest request;
    request.mode = RunMode::kMeasure;
    request.seed = kSeed;
    request.timing.samples = 3;
    request.timing.min_sample_ns = 1'000'000;
    EntrySpec entry = ElementwiseEntry(kElements);
    entry.projection = true;
    request.candidates = {{folder_.Path(name), {entry}}};
    return executor_->Run(request, std::chrono::seconds(3));
  }

  // Whether a tuner would take the answer for right.
  static bool IsRight(const EntryResult& result) {
    double projection = 0, element = 0;
    for (int64_t i = 0; i < kElements; ++i) {
      element = 2.0 * CounterUniform(kSeed, 0, static_cast<uint64_t>(i));
      projection += element * ProjectionSign(kSeed, 0, static_cast<uint64_t>(i));
    }
    return WorthTiming(result) && std::abs(result.projection - projection) < 1e-3;
  }

  // What the work takes at least.
  double HonestNs() {
    double fastest = std::numeric_limits<double>::infinity();
    for (int i = 0; i < 5; ++i) {
      const RunOutcome honest = Run("honest");
      EXPECT_EQ(honest.status, RunStatus::kOk) << honest.message;
      if (honest.status != RunStatus::kOk) continue;
      EXPECT_TRUE(IsRight(honest.reply.candidates[0][0]));
      fastest = std::min(fastest, Fastest(honest.reply.candidates[0][0]));
    }
    return fastest;
  }

  static double Fastest(const EntryResult& result) {
    return *std::min_element(result.samples_ns.begin(), result.samples_ns.end());
  }

  ScratchFolder folder_;
  Device device_;
  std::unique_ptr<Executor> executor_;
};

TEST_P(Forging, IsNotTakenForGood) {
  double honest_ns = HonestNs();
  const int runs = Runs(3);
  int wrong = 0, failed = 0, true_time = 0;
  for (int i = 0; i < runs; ++i) {
    const RunOutcome outcome = Run("forged");
    if (outcome.status != RunStatus::kOk) {
      EXPECT_NE(outcome.status, RunStatus::kInfra) << outcome.message;
      ++failed;
      continue;
    }
    const EntryResult& result = outcome.reply.candidates[0][0];
    if (!IsRight(result)) {
      ++wrong;
      continue;
    }
    // Its answers are right; then its time has to be true.
    ++true_time;
    ASSERT_FALSE(result.samples_ns.empty());
    const double ns = Fastest(result);
    // Others on this machine may have slowed the honest one.
    if (ns <= kTrue * honest_ns) honest_ns = std::min(honest_ns, HonestNs());
    EXPECT_GT(ns, kTrue * honest_ns)
        << "run " << i << ", samples " << fmt::format("{}", fmt::join(result.samples_ns, " "));
  }
  std::printf("%s: %d runs: %d wrong, %d failed, %d with their true time\n", GetParam().name, runs,
              wrong, failed, true_time);
}

INSTANTIATE_TEST_SUITE_P(Kernels, Forging, testing::ValuesIn(kForgeries),
                         [](const auto& info) { return std::string(info.param.name); });

// Else the others would prove nothing.
TEST(Judging, AnHonestKernelIsTakenForGoodEachTime) {
  if (!SandboxHere().ok()) GTEST_SKIP() << SandboxHere().message();
  Device device = LoadDevice("host").value();
  device.memory_bytes = int64_t{4} << 30;
  const auto executor = MakeExecutor(device, Sandbox::Make().value()).value();
  const ScratchFolder folder;
  BuildMatmul(device, folder.Path("matmul"), /*parallel=*/true);
  RunRequest request = ShortRun(device, folder.Path("matmul"));
  request.candidates[0].entries[0] = MatmulEntry(37);
  for (int i = 0; i < Runs(5); ++i) {
    const RunOutcome outcome = executor->Run(request, std::chrono::seconds(15));
    ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
    EXPECT_TRUE(WorthTiming(outcome.reply.candidates[0][0])) << "run " << i;
  }
}

}  // namespace
}  // namespace halyard
