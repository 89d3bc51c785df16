// The reference kernel as it was built, on a board of each toolchain.
#include "rpc_farm/canary/canary.h"

#include <gtest/gtest.h>

#include <functional>

#include "absl/status/status.h"

namespace halyard {
namespace {

class CanaryTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto device = LoadDevice(GetParam());
    ASSERT_TRUE(device.ok()) << device.status();
    device_ = *device;
    auto executor = MakeExecutor(device_);
    ASSERT_TRUE(executor.ok()) << executor.status();
    executor_ = *std::move(executor);
  }

  Device device_;
  std::unique_ptr<Executor> executor_;
};

TEST_P(CanaryTest, IsRightAndInTimeAndAWrongAnswerIsSeen) {
  const auto canary = Canary::For(device_);
  ASSERT_TRUE(canary.ok()) << canary.status();
  const RunOutcome outcome = executor_->Run(canary->request(), kCanaryDeadline);
  const auto figure = canary->Judge(outcome);
  ASSERT_TRUE(figure.ok()) << figure.status();
  EXPECT_GT(*figure, 1000);
  if (device_.board_kind() == BoardKind::kVirtual) {
    EXPECT_EQ(*canary->Judge(executor_->Run(canary->request(), kCanaryDeadline)), *figure);
  }

  const auto damaged = [&](const std::function<void(EntryResult&)>& damage) {
    RunOutcome other = outcome;
    damage(other.reply.candidates[0][0]);
    return canary->Judge(other).status();
  };
  EXPECT_TRUE(absl::IsDataLoss(damaged([](EntryResult& r) { r.probe_values[1] += 0.001F; })));
  EXPECT_TRUE(absl::IsDataLoss(damaged([](EntryResult& r) { r.probe_values.pop_back(); })));
  EXPECT_TRUE(absl::IsDataLoss(damaged([](EntryResult& r) { r.projection += 1; })));
  EXPECT_TRUE(absl::IsDataLoss(damaged([](EntryResult& r) { r.guards_intact = false; })));
  EXPECT_TRUE(absl::IsDataLoss(damaged([](EntryResult& r) { r.non_finite = 1; })));
  EXPECT_TRUE(
      absl::IsDataLoss(canary->Judge({RunStatus::kCrash, "killed by SIGILL", {}}).status()));
  // That says nothing about the board's arithmetic.
  EXPECT_TRUE(
      absl::IsUnavailable(canary->Judge({RunStatus::kUnstable, "the clock fell", {}}).status()));
}

INSTANTIATE_TEST_SUITE_P(Toolchains, CanaryTest,
                         testing::Values("host", "rpi4 virtual", "cortex-m4", "cortex-m7",
                                         "cortex-m55"));

}  // namespace
}  // namespace halyard
