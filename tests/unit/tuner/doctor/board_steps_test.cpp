#include "tuner/doctor/board_steps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace halyard {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Device Pi() { return LoadDevice("rpi4 ssh:pi@pi4").value(); }

BoardFacts WellPi() {
  BoardFacts f;
  f.machine = "aarch64";
  f.cpu_features = {"asimd", "crc32", "fp"};
  f.cores = 4;
  f.memory_bytes = int64_t{3900} << 20;
  f.available_bytes = int64_t{3500} << 20;
  f.free_disk_bytes = int64_t{10} << 30;
  f.clock_resolution_ns = 1;
  f.conditions.governor = "performance";
  f.conditions.pi_throttled = 0;
  return f;
}

// The one step that is not ok.
Step Ill(const Device& device, const BoardFacts& facts) {
  std::vector<Step> ill;
  for (const Step& s : BoardSteps(device, facts, Depth::kFull)) {
    if (s.verdict != Verdict::kOk) ill.push_back(s);
  }
  return ill.size() == 1 ? ill[0] : Step{std::to_string(ill.size()) + " steps", {}, "", ""};
}

TEST(BoardSteps, AWellBoard) {
  for (const Step& s : BoardSteps(Pi(), WellPi(), Depth::kFull)) {
    EXPECT_EQ(s.verdict, Verdict::kOk) << StepText(s);
  }
  EXPECT_LT(BoardSteps(Pi(), WellPi(), Depth::kShort).size(),
            BoardSteps(Pi(), WellPi(), Depth::kFull).size());
}

TEST(BoardSteps, EachFaultNamesItsFix) {
  const auto with = [](auto change) {
    BoardFacts f = WellPi();
    change(f);
    return StepText(Ill(Pi(), f));
  };
  EXPECT_THAT(with([](BoardFacts& f) { f.machine = "armv7l"; }),
              HasSubstr("failed   architecture: the board is armv7l, the device file says "
                        "aarch64-linux-gnu; name another --device"));
  EXPECT_THAT(with([](BoardFacts& f) {
                f.cpu_features = {"crc32", "fp"};
              }),
              HasSubstr("assumes asimd, which the board's CPU has not"));
  EXPECT_THAT(with([](BoardFacts& f) { f.memory_bytes = f.available_bytes = 1 << 30; }),
              HasSubstr("failed   memory: 1024 MiB"));
  EXPECT_THAT(with([](BoardFacts& f) { f.memory_bytes = int64_t{2900} << 20; }),
              HasSubstr("set memory_bytes to 3040870400"));
  EXPECT_THAT(with([](BoardFacts& f) { f.available_bytes = 1 << 30; }),
              HasSubstr("end what else uses the board's memory"));
  EXPECT_THAT(with([](BoardFacts& f) { f.free_disk_bytes = 1 << 20; }),
              HasSubstr("failed   disk: 1 MiB free; make 64 MiB of room"));
  EXPECT_THAT(with([](BoardFacts& f) { f.cores = 2; }), HasSubstr("set cores to 2"));
  EXPECT_THAT(with([](BoardFacts& f) { f.clock_resolution_ns = 4'000'000; }),
              HasSubstr("CONFIG_HIGH_RES_TIMERS"));
  EXPECT_THAT(with([](BoardFacts& f) { f.conditions.governor = "ondemand"; }),
              HasSubstr("echo performance | sudo tee"));
  EXPECT_THAT(with([](BoardFacts& f) { f.conditions.pi_throttled = 0x50005; }),
              HasSubstr("give it a stronger power supply"));
}

TEST(FeaturesAssumed, AreWhatLinuxCallsThem) {
  EXPECT_THAT(FeaturesAssumed("arm-64-linux"), ElementsAre("asimd"));
  EXPECT_THAT(FeaturesAssumed("arm-64-linux-arm_dot_prod"), ElementsAre("asimd", "asimddp"));
  EXPECT_THAT(FeaturesAssumed("arm-32-linux"), ElementsAre("neon"));
  EXPECT_THAT(FeaturesAssumed("arm-32-noos-no_neon-soft_float_abi"), ElementsAre());
  EXPECT_THAT(FeaturesAssumed("x86-64-linux-avx-fma-sse41"), ElementsAre("avx", "fma", "sse4_1"));
}

}  // namespace
}  // namespace halyard
