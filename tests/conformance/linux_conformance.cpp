#include "tests/conformance/linux_conformance.h"

#include "targets/counter_rng.h"

namespace halyard {
namespace {

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

TEST_P(LinuxConformance, RightResultSerialAndParallel) {
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

TEST_P(LinuxConformance, WriteFarOutsideTheOutputCrashes) {
  const RunOutcome outcome = RunC("for (long i = 0; i < N + 4096; ++i) OUT[i] = IN[0];");
  EXPECT_EQ(outcome.status, RunStatus::kCrash);
  EXPECT_EQ(outcome.message, "killed by SIGSEGV");
}

TEST_P(LinuxConformance, RefusedArgumentsCarryTheRuntimesMessage) {
  BuildMatmul(device(), artifact_, false);
  EntrySpec entry = MatmulEntry(16);
  entry.inputs[1].extents = {3, 16};
  const RunOutcome outcome = Run(Request(entry));
  ASSERT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  EXPECT_NE(Only(outcome).kernel_error, 0);
  EXPECT_NE(Only(outcome).kernel_message.find("Input buffer b "), std::string::npos)
      << Only(outcome).kernel_message;
}

TEST_P(LinuxConformance, SegmentationFault) {
  const RunOutcome outcome = RunC("*(volatile int*)8 = 1;");
  EXPECT_EQ(outcome.status, RunStatus::kCrash);
  EXPECT_EQ(outcome.message, "killed by SIGSEGV");
}

TEST_P(LinuxConformance, Abort) {
  const RunOutcome outcome = RunC("abort();");
  EXPECT_EQ(outcome.status, RunStatus::kCrash);
  EXPECT_EQ(outcome.message, "killed by SIGABRT");
}

TEST_P(LinuxConformance, QuietExit) {
  const char* body = device().toolchain == "aarch64-linux-gnu"
                         ? "register long a asm(\"x0\") = 0; register long n asm(\"x8\") = 94;"
                           "asm volatile(\"svc #0\" : : \"r\"(a), \"r\"(n));"
                         : "asm volatile(\"syscall\" : : \"a\"(231L), \"D\"(0L));";
  const RunOutcome outcome = RunC(body);
  EXPECT_EQ(outcome.status, RunStatus::kCrash);
  EXPECT_EQ(outcome.message, "the runner exited without a reply");
}

TEST_P(LinuxConformance, TooMuchMemory) {
  const RunOutcome c = RunC("char* p = malloc(20000000000ul); p[5] = 1; OUT[0] = p[6];");
  EXPECT_EQ(c.status, RunStatus::kResource) << c.message;
  BuildHungryKernel(device(), artifact_, int64_t{20} << 30);
  const RunOutcome halide = Run(Request(ElementwiseEntry(16)));
  EXPECT_EQ(halide.status, RunStatus::kResource) << halide.message;
}

TEST_P(LinuxConformance, ForeignArchitectureIsRefused) {
  const bool arm = device().toolchain == "aarch64-linux-gnu";
  Device other = device();
  other.toolchain = arm ? "x86_64-linux-gnu" : "aarch64-linux-gnu";
  BuildCKernel(other, artifact_, "");
  const RunOutcome outcome = Run(Request(ElementwiseEntry(16)));
  EXPECT_EQ(outcome.status, RunStatus::kRejected);
  EXPECT_NE(outcome.message.find(arm ? "built for x86-64" : "built for aarch64"), std::string::npos)
      << outcome.message;
}

TEST_P(LinuxConformance, ForbiddenSymbolIsRefused) {
  const RunOutcome outcome = RunC("extern int system(const char*); system(\"true\");");
  EXPECT_EQ(outcome.status, RunStatus::kRejected);
  EXPECT_NE(outcome.message.find("undefined symbol system"), std::string::npos) << outcome.message;
}

TEST_P(LinuxConformance, WrongProtocolIsRefused) {
  BuildCKernel(device(), artifact_, "");
  RunRequest request = Request(ElementwiseEntry(16));
  request.protocol = kRunProtocolVersion + 1;
  const RunOutcome outcome = Run(request);
  EXPECT_EQ(outcome.status, RunStatus::kInfra);
  EXPECT_NE(outcome.message.find("protocol"), std::string::npos) << outcome.message;
}

TEST_P(LinuxConformance, APhysicalBoardTellsWhatItIs) {
  const auto facts = executor_->facts();
  EXPECT_EQ(facts.has_value(), !is_virtual());
  if (!facts) return;
  EXPECT_EQ(facts->protocol, kRunProtocolVersion);
  EXPECT_GT(facts->cores, 0);
  EXPECT_GT(facts->memory_bytes, 0);
  EXPECT_GT(facts->free_disk_bytes, 0);
  EXPECT_FALSE(facts->cpu_features.empty());
}

}  // namespace
}  // namespace halyard
