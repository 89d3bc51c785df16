// A run in which the board's clock moves has no times. The board's /sys is a folder of this test's.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "rpc_farm/local_executor.h"
#include "tests/conformance/test_artifacts.h"

namespace halyard {
namespace {

class UnstableRun : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(policy_);
    std::ofstream(policy_ + "/scaling_governor") << "performance\n";
    std::ofstream(clock_) << "1500000\n";
    device_ = LoadDevice("host").value();
    BuildCKernel(device_, folder_.Path("kernel.so"),
                 "for (long i = 0; i < N; ++i) OUT[i] = IN[i];");
    request_.timing.samples = 3;
    request_.timing.min_sample_ns = 300'000'000;
    request_.timing.cap_ns = 2'000'000'000;
    request_.candidates = {{folder_.Path("kernel.so"), {ElementwiseEntry(64)}}};
  }

  // Runs, and sets the clock to `khz` once it was read before the first sample.
  RunOutcome RunWhileTheClockGoesTo(const std::string& khz) {
    LocalExecutor executor(DataPath("board_runner/" + device_.toolchain + "/board_runner"), device_,
                           folder_.Path("sys"));
    const int watch = inotify_init1(IN_CLOEXEC);
    inotify_add_watch(watch, clock_.c_str(), IN_CLOSE_NOWRITE);
    std::thread throttler([&] {
      pollfd p = {watch, POLLIN, 0};
      if (poll(&p, 1, 20'000) <= 0) return;
      std::ofstream(clock_) << khz << "\n";
    });
    RunOutcome outcome = executor.Run(request_, std::chrono::seconds(20));
    throttler.join();
    close(watch);
    environment_ = executor.environment();
    return outcome;
  }

  ScratchFolder folder_;
  const std::string policy_ = folder_.Path("sys/devices/system/cpu/cpufreq/policy0");
  const std::string clock_ = policy_ + "/scaling_cur_freq";
  Device device_;
  RunRequest request_;
  std::string environment_;
};

TEST_F(UnstableRun, AScreening) {
  const RunOutcome outcome = RunWhileTheClockGoesTo("600000");
  EXPECT_EQ(outcome.status, RunStatus::kUnstable);
  EXPECT_EQ(outcome.message, "the clock moved from 1500 to 600 MHz while it was timed");
  EXPECT_NE(environment_.find("governor performance, 600 MHz"), std::string::npos) << environment_;
}

TEST_F(UnstableRun, TheRoundsOfAFinal) {
  request_.mode = RunMode::kInterleave;
  request_.rounds = 2;
  request_.candidates.push_back(request_.candidates[0]);
  EXPECT_EQ(RunWhileTheClockGoesTo("1000000").status, RunStatus::kUnstable);
}

TEST_F(UnstableRun, AClockThatJittersIsSteady) {
  const RunOutcome outcome = RunWhileTheClockGoesTo("1470000");
  EXPECT_EQ(outcome.status, RunStatus::kOk) << outcome.message;
  EXPECT_EQ(outcome.reply.before->clock_mhz, 1500);
  EXPECT_EQ(outcome.reply.after->clock_mhz, 1470);
  EXPECT_NE(environment_.find("1470 MHz"), std::string::npos) << environment_;
}

}  // namespace
}  // namespace halyard
