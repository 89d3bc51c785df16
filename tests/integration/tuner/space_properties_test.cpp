// Every config a space calls valid builds, runs and is right, on ragged shapes above all: primes,
// ones, sizes below a tile. The number of configs is an environment variable, so that the campaign
// is this very test with a larger one; others name the seed and the workloads to keep to.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>

#include "rpc_farm/executor.h"
#include "schedules/task.h"
#include "tests/device_test_name.h"
#include "tuner/builder.h"
#include "tuner/candidate_runner.h"

namespace halyard {
namespace {

const std::vector<std::string>& RaggedWorkloads() {
  static const std::vector<std::string> all = {
      "gemm:1x1x1:f32",
      "gemm:1x97x31:f32",
      "gemm:13x17x19:f32",
      "gemm:37x64x128:f32",
      "gemm:7x3x256:f32",
      "gemm:65x129x66:f32",
      "gemm:1x69x1024:f32",
      "gemm:5x32x384:f32",
      "gemm:1x69x1024,packed=1:f32",
      "gemm:13x17x19,packed=1:f32",
      "gemm:65x129x66,packed=1:f32",
      "gemm:7x40x384,packed=1:f32",
      "gemm:1x69x1024,bias=1,act=gelu:f32",
      "gemm:13x17x19,bias=1,residual=1:f32",
      "gemm:65x129x66,bias=1,act=relu:f32",
      "gemm:37x64x128,residual=1,act=gelu:f32",
      "gemm:7x40x384,packed=1,bias=1,residual=1,act=relu:f32",
      "gemm:65x129x66,packed=1,bias=1:f32",
      "batch_gemm:1x13x17x19:f32",
      "batch_gemm:5x1x69x256:f32",
      "batch_gemm:3x37x64x128:f32",
      "batch_gemm:4x65x129x66,packed=1:f32",
      "batch_gemm:3x13x40x384,bias=1,residual=1,act=relu:f32",
      "conv2d:1x1x1x1x1x1x1:f32",
      "conv2d:1x9x11x7x13x3x3,pad=1:f32",
      "conv2d:2x8x7x5x6x3x2,stride=2,pad=1:f32",
      "conv2d:1x9x9x19x19x3x3,pad=1,dilation=2,groups=19:f32",
      "conv2d:1x6x6x8x12x3x3,groups=4:f32",
      "conv2d:1x7x7x16x32x1x1:f32",
      "conv2d:1x14x14x32x32x3x3,stride=2,pad=1,groups=32:f32",
      "conv2d:1x12x5x3x17x5x5,pad=2:f32",
      "conv2d:2x13x7x33x31x3x3:f32",
      "conv2d:1x5x18x16x40x3x3,pad=2:f32",
      "conv2d:1x16x20x24x24x3x3,pad=1:f32",
      "conv2d:1x9x11x7x13x3x3,pad=1,packed=1:f32",
      "conv2d:1x9x9x19x19x3x3,pad=1,groups=19,packed=1:f32",
      "conv2d:1x6x6x8x12x3x3,groups=4,packed=1:f32",
      "conv2d:1x7x7x16x40x1x1,stride=2,packed=1:f32",
      "conv2d:1x16x20x24x40x3x3,pad=1,packed=1:f32",
      "conv2d:1x9x11x7x13x3x3,pad=1,bias=1,residual=1:f32",
      "conv2d:2x8x7x5x6x3x2,stride=2,pad=1,bias=1,act=gelu:f32",
      "conv2d:1x9x9x19x19x3x3,pad=1,groups=19,bias=1,residual=1,act=relu:f32",
      "conv2d:1x6x6x8x12x3x3,groups=4,bias=1:f32",
      "conv2d:1x7x7x16x32x1x1,bias=1,act=relu:f32",
      "conv2d:1x16x20x24x24x3x3,pad=1,bias=1,residual=1:f32",
      "conv2d:2x13x7x33x31x3x3,bias=1,residual=1,act=relu:f32",
      "conv2d:1x16x20x24x40x3x3,pad=1,packed=1,bias=1,residual=1,act=relu:f32",
      "conv2d:1x9x9x19x19x3x3,pad=1,groups=19,packed=1,bias=1:f32",
      "softmax:1x1:f32",
      "softmax:13x37:f32",
      "softmax:3x1000:f32",
      "softmax:67x16:f32",
      "attention:1x1x1:f32",
      "attention:2x13x37x11,causal=1:f32",
      "attention:1x3x70x8:f32",
      "attention:3x64x16:f32",
      "attention:2x33x65x40:f32",
      "attention:1x29x29x24,causal=1:f32",
      "attention:2x130x130x16,causal=1:f32",
  };
  return all;
}

int ConfigsWanted() {
  const char* named = std::getenv("HALYARD_PROPERTY_CONFIGS");
  return named != nullptr ? std::atoi(named) : 96;
}

uint64_t Seed() {
  const char* named = std::getenv("HALYARD_PROPERTY_SEED");
  return named != nullptr ? static_cast<uint64_t>(std::atoll(named)) : 1;
}

void CheckWorkload(const std::string& text, const Device& device, int configs) {
  const Task task = MakeTask(ParseWorkload(text).value(), device);
  auto executor = MakeExecutor(device);
  ASSERT_TRUE(executor.ok()) << executor.status();
  auto builder = MakeWorkerBuilder({});
  ASSERT_TRUE(builder.ok()) << builder.status();
  std::mt19937_64 rng(Seed());
  std::vector<Config> drawn = {task.space.safe()};
  for (int i = 1; i < configs; i++) {
    // In a space where few combinations are valid a walk from the safe config reaches more of them.
    if (const auto c = task.space.Random(rng)) {
      drawn.push_back(*c);
    } else {
      drawn.push_back(task.space.Neighbour(drawn.back(), rng, 1000));
    }
  }
  std::vector<BuildRequest> requests;
  for (const Config& c : drawn) {
    requests.push_back({BuildKind::kConfig, text, task.space.ToText(c), device.id});
  }
  const std::vector<BuildResult> built = (*builder)->Build(requests);
  TimingPolicy once;
  once.warmup_runs = 0;
  once.samples = 1;
  once.min_sample_ns = 1;
  CandidateRunner runner(task, **executor, Seed());
  for (size_t i = 0; i < drawn.size(); i++) {
    const std::string again = text + " on " + device.id + " | " + requests[i].config;
    ASSERT_EQ(built[i].outcome, Outcome::kOk) << built[i].message << "\n  " << again;
    const MeasureResult m = runner.Measure(drawn[i], built[i], once);
    // Some of the shapes fill a microcontroller's memory, and then the answer is that they do.
    const bool large =
        task.op->Bytes(task.workload) > 0.25 * static_cast<double>(device.memory_bytes);
    if (device.firmware && large && m.outcome == Outcome::kResourceLimit) continue;
    EXPECT_EQ(m.outcome, Outcome::kOk)
        << OutcomeName(m.outcome) << ": " << m.message << "\n  " << again;
  }
}

class SpaceProperties : public testing::TestWithParam<const char*> {};

TEST_P(SpaceProperties, WhatIsValidBuildsRunsAndIsRight) {
  const auto device = LoadDevice(GetParam());
  ASSERT_TRUE(device.ok()) << device.status();
  const auto& workloads = RaggedWorkloads();
  const int each = std::max(1, ConfigsWanted() / static_cast<int>(workloads.size()));
  const char* only = std::getenv("HALYARD_PROPERTY_ONLY");
  for (const std::string& text : workloads) {
    if (only != nullptr && text.find(only) == std::string::npos) continue;
    CheckWorkload(text, *device, each);
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, SpaceProperties, testing::Values("host", "rpi4", "cortex-m7"),
                         [](const auto& info) { return TestNameOf(info.param); });

}  // namespace
}  // namespace halyard
