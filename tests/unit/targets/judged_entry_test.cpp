#include "targets/judge/judged_entry.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <limits>

#include "targets/counter_rng.h"

namespace halyard {
namespace {

constexpr int64_t kElements = 5000;
constexpr uint64_t kSeed = 3;

// One input and one output, and a hand that plays the kernel on the same memory.
class JudgedEntryTest : public testing::Test {
 protected:
  JudgedEntryTest()
      : fd_(memfd_create("tensors", MFD_CLOEXEC)),
        spec_(Spec()),
        grown_(ftruncate(fd_, EntryTensors::MappedBytes(spec_))),
        entry_(spec_, kSeed, fd_, 0),
        kernels_(spec_, fd_, 0) {}
  ~JudgedEntryTest() override { close(fd_); }

  static EntrySpec Spec() {
    EntrySpec spec;
    spec.symbol = "kernel";
    spec.inputs = {{{kElements}}};
    spec.output = {{kElements}};
    spec.canonical_output = {kElements};
    spec.probe_points = {0, kElements - 1};
    spec.projection = true;
    return spec;
  }

  float* out() { return kernels_.output->data(); }
  const float* in() { return kernels_.inputs[0]->data(); }
  void Run() {
    for (int64_t i = 0; i < kElements; ++i) out()[i] = 2 * in()[i];
  }
  EntryResult Checked() {
    EntryResult result;
    entry_.PoisonOutput();
    Run();
    entry_.ReadOutput(&result);
    return result;
  }

  const int fd_;
  const EntrySpec spec_;
  const int grown_;
  JudgedEntry entry_;
  EntryTensors kernels_;
};

TEST_F(JudgedEntryTest, ReadsWhatTheKernelLeft) {
  ASSERT_EQ(grown_, 0);
  const EntryResult result = Checked();
  EXPECT_EQ(result.poison_left, 0);
  EXPECT_EQ(result.non_finite, 0);
  EXPECT_TRUE(result.guards_intact && result.inputs_intact);
  EXPECT_EQ(result.probe_values.at(1), 2 * CounterUniform(kSeed, 0, kElements - 1));
  double projection = 0;
  for (int64_t i = 0; i < kElements; ++i) {
    projection += 2.0 * CounterUniform(kSeed, 0, static_cast<uint64_t>(i)) *
                  ProjectionSign(kSeed, 0, static_cast<uint64_t>(i));
  }
  EXPECT_NEAR(result.projection, projection, 1e-3);
}

TEST_F(JudgedEntryTest, ARunThatWritesAllAgainAgrees) {
  Checked();
  for (int i = 0; i < 100; ++i) {
    entry_.PoisonPlaces();
    EXPECT_FALSE(entry_.PlacesAgree());
    Run();
    ASSERT_TRUE(entry_.PlacesAgree());
    ASSERT_TRUE(entry_.OutputAgrees());
  }
}

TEST_F(JudgedEntryTest, ARunThatLeavesATenthOutIsSeen) {
  Checked();
  int seen = 0;
  for (int i = 0; i < 100; ++i) {
    entry_.PoisonPlaces();
    for (int64_t k = 0; k < kElements * 9 / 10; ++k) out()[k] = 2 * in()[k];
    seen += entry_.PlacesAgree() ? 0 : 1;
  }
  EXPECT_GT(seen, 60);  // 1 - 0.9^16 is 0.81
}

TEST_F(JudgedEntryTest, RoundingIsNoDifferenceAndAnElementIs) {
  Checked();
  for (int64_t i = 0; i < kElements; ++i) {
    out()[i] *= CounterBits(5, 0, static_cast<uint64_t>(i)) & 1 ? 1 + 1e-6f : 1 - 1e-6f;
  }
  EXPECT_TRUE(entry_.OutputAgrees());
  Run();
  out()[kElements / 3] += 1;
  EXPECT_FALSE(entry_.OutputAgrees());
  out()[kElements / 3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(entry_.OutputAgrees());
}

TEST_F(JudgedEntryTest, APlaceIsSeenToBeWrittenAgain) {
  Checked();
  const int64_t place = entry_.PoisonOnePlace();
  EXPECT_FALSE(entry_.IsRewritten(place));
  Run();
  EXPECT_TRUE(entry_.IsRewritten(place));
}

TEST_F(JudgedEntryTest, WritesOutsideTheOutputAreSeen) {
  EntryResult result = Checked();
  kernels_.inputs[0]->data()[7] += 1;
  entry_.CheckIntegrity(&result);
  EXPECT_FALSE(result.inputs_intact);
  EXPECT_TRUE(result.guards_intact);
  out()[-1] = 1;
  entry_.CheckIntegrity(&result);
  EXPECT_FALSE(result.guards_intact);
}

TEST(JudgedEntrySpec, WhatMakesNoSenseIsToldInOneLine) {
  EntrySpec spec;
  spec.symbol = "kernel";
  spec.output = {{4}};
  spec.canonical_output = {4};
  EXPECT_EQ(JudgedEntry::WhyInvalid(spec), "");
  spec.probe_points = {4};
  EXPECT_EQ(JudgedEntry::WhyInvalid(spec), "kernel: a probe point lies outside the output");
  spec.probe_points = {};
  spec.prepare = PrepareSpec{"pack", 0, {{4}}};
  EXPECT_EQ(JudgedEntry::WhyInvalid(spec), "kernel: what is prepared is not one of the inputs");
  spec.prepare.reset();
  spec.canonical_output = {5};
  EXPECT_EQ(JudgedEntry::WhyInvalid(spec), "kernel: canonical_output and output differ in size");
}

}  // namespace
}  // namespace halyard
