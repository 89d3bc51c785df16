#include "rpc_farm/simulated/emulated_kernels.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "rpc_farm/temporary_folder.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;

class EmulatedKernelsTest : public testing::Test {
 protected:
  EmulatedKernelsTest() { device_.clock_ghz = 2; }

  std::string Artifact(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_.path() + "/" + name, std::ios::binary) << bytes;
    return folder_.path() + "/" + name;
  }
  static RunRequest Of(const std::vector<std::string>& artifacts) {
    RunRequest request;
    for (const std::string& path : artifacts) {
      EntrySpec entry;
      entry.symbol = "kernel";
      entry.output = {{8}};
      request.candidates.push_back({path, {entry}});
    }
    return request;
  }
  // Counts 1,000 cycles a candidate, or does what a test says.
  RunOutcome Emulate(const RunRequest& request, milliseconds limit) {
    ++emulated_;
    last_ = request;
    limit_ = limit;
    RunOutcome outcome = next_;
    for (const CandidateSpec& candidate : request.candidates) {
      outcome.reply.candidates.emplace_back().resize(candidate.entries.size());
      for (EntryResult& entry : outcome.reply.candidates.back()) {
        entry = entry_;
        entry.serial_cycles = 1000;
      }
    }
    return outcome;
  }
  EmulatedKernels Kernels(size_t most_bytes = size_t{1} << 20) {
    return {device_,
            [this](const std::stop_token&, const RunRequest& request, milliseconds limit) {
              return Emulate(request, limit);
            },
            most_bytes, [this] { return now_; }};
  }

  const TemporaryFolder folder_;
  Device device_;
  std::atomic<int> emulated_{0};
  RunRequest last_;
  milliseconds limit_{0};
  EmulatedKernels::Clock::time_point now_{};
  EntryResult entry_;
  RunOutcome next_{RunStatus::kOk, "", {}};
};

TEST_F(EmulatedKernelsTest, ACycleIsTheClocksAndEachKernelIsEmulatedOnce) {
  EmulatedKernels kernels = Kernels();
  RunRequest both = Of({Artifact("a.so", "a"), Artifact("b.so", "b")});
  const RunOutcome outcome = kernels.Run({}, both, milliseconds(1'000));
  ASSERT_EQ(outcome.status, RunStatus::kOk);
  ASSERT_EQ(outcome.reply.candidates.size(), 2u);
  EXPECT_EQ(outcome.reply.candidates[1][0].samples_ns, std::vector<double>{500});
  EXPECT_EQ(outcome.reply.candidates[1][0].serial_cycles, 0);
  EXPECT_EQ(last_.mode, RunMode::kCount);
  EXPECT_EQ(emulated_, 2);
  // Interleaved, measured under another policy, from another path with the same bytes.
  both.mode = RunMode::kInterleave;
  both.rounds = 9;
  both.timing.samples = 3;
  both.candidates[0].artifact_path = Artifact("again.so", "a");
  EXPECT_EQ(kernels.Run({}, both, milliseconds(1'000)).status, RunStatus::kOk);
  EXPECT_EQ(emulated_, 2);
  // What changes the answers does not go unnoticed.
  both.seed = 5;
  kernels.Run({}, both, milliseconds(1'000));
  EXPECT_EQ(emulated_, 4);
  both.candidates[0].artifact_path = Artifact("again.so", "other bytes");
  kernels.Run({}, both, milliseconds(1'000));
  EXPECT_EQ(emulated_, 5);
}

TEST_F(EmulatedKernelsTest, OperandsThatFitTheLastCacheAreThere) {
  device_.caches = {{64, 16, 1}};
  EmulatedKernels kernels = Kernels();
  RunRequest request = Of({Artifact("a.so", "a")});
  request.candidates[0].entries[0].inputs = {{{8}}};
  kernels.Run({}, request, milliseconds(1'000));
  EXPECT_TRUE(last_.caches_warm);
  request.candidates[0].entries[0].inputs = {{{9}}};
  kernels.Run({}, request, milliseconds(1'000));
  EXPECT_FALSE(last_.caches_warm);
}

TEST_F(EmulatedKernelsTest, AnAnswerThatIsNotWorthATimeHasNone) {
  EmulatedKernels kernels = Kernels();
  entry_.poison_left = 4;
  const RunOutcome outcome = kernels.Run({}, Of({Artifact("a.so", "a")}), milliseconds(1'000));
  ASSERT_EQ(outcome.status, RunStatus::kOk);
  EXPECT_TRUE(outcome.reply.candidates[0][0].samples_ns.empty());
  EXPECT_EQ(outcome.reply.candidates[0][0].poison_left, 4);
}

TEST_F(EmulatedKernelsTest, AKernelsOwnFaultIsKeptAndWhatIsNotItsOwnIsTriedAgain) {
  EmulatedKernels kernels = Kernels();
  const RunRequest request = Of({Artifact("a.so", "a")});
  next_ = {RunStatus::kInfra, "the host was stuck", {}};
  EXPECT_EQ(kernels.Run({}, request, milliseconds(1'000)).status, RunStatus::kInfra);
  next_ = {RunStatus::kTimeout, "killed at the deadline", {}};
  EXPECT_EQ(kernels.Run({}, request, milliseconds(1'000)).status, RunStatus::kTimeout);
  EXPECT_EQ(limit_, milliseconds(10'000)) << "an emulator is slow";
  EXPECT_EQ(kernels.Run({}, request, milliseconds(2'000)).status, RunStatus::kTimeout);
  EXPECT_EQ(emulated_, 2);
  next_ = {RunStatus::kCrash, "killed by SIGSEGV", {}};
  EXPECT_EQ(kernels.Run({}, request, milliseconds(60'000)).status, RunStatus::kCrash);
  EXPECT_EQ(kernels.Run({}, request, milliseconds(90'000)).message, "killed by SIGSEGV");
  EXPECT_EQ(emulated_, 3);
}

TEST_F(EmulatedKernelsTest, ManyBoardsThatAskAtOnceWaitForOneEmulation) {
  EmulatedKernels kernels(
      device_, [this](const std::stop_token&, const RunRequest& request, milliseconds limit) {
        std::this_thread::sleep_for(milliseconds(50));
        return Emulate(request, limit);
      });
  const RunRequest request = Of({Artifact("a.so", "a")});
  std::vector<std::jthread> boards;
  std::atomic<int> ok{0};
  for (int i = 0; i < 20; ++i) {
    boards.emplace_back([&] {
      if (kernels.Run({}, request, milliseconds(1'000)).status == RunStatus::kOk) ++ok;
    });
  }
  boards.clear();
  EXPECT_EQ(ok, 20);
  EXPECT_EQ(emulated_, 1);
}

TEST_F(EmulatedKernelsTest, WhoWaitsForAnotherCanBeStopped) {
  std::atomic<bool> begun{false}, go{false};
  EmulatedKernels kernels(
      device_, [&](const std::stop_token&, const RunRequest& request, milliseconds limit) {
        begun = true;
        while (!go) std::this_thread::sleep_for(milliseconds(1));
        return Emulate(request, limit);
      });
  const RunRequest request = Of({Artifact("a.so", "a")});
  std::jthread first([&] { kernels.Run({}, request, milliseconds(1'000)); });
  while (!begun) std::this_thread::sleep_for(milliseconds(1));
  std::stop_source stop;
  RunOutcome outcome;
  std::jthread second(
      [&] { outcome = kernels.Run(stop.get_token(), request, milliseconds(1'000)); });
  stop.request_stop();
  second.join();
  EXPECT_EQ(outcome.status, RunStatus::kInfra);
  go = true;
}

TEST_F(EmulatedKernelsTest, KeepsNoMoreThanItsBytesTheLastUsedLongest) {
  EmulatedKernels kernels = Kernels(4'000);
  const RunRequest often = Of({Artifact("often.so", "often")});
  kernels.Run({}, often, milliseconds(1'000));
  for (int i = 0; i < 10; ++i) {
    const std::string name = std::to_string(i);
    kernels.Run({}, Of({Artifact(name + ".so", name)}), milliseconds(1'000));
    kernels.Run({}, often, milliseconds(1'000));
  }
  EXPECT_EQ(emulated_, 11) << "what is used often stays";
  kernels.Run({}, Of({Artifact("0.so", "0")}), milliseconds(1'000));
  EXPECT_EQ(emulated_, 12) << "what was used long ago is gone";
}

// A busy machine emulates as slowly as a kernel that hangs, and is not always busy.
TEST_F(EmulatedKernelsTest, WhatDidNotEndInItsTimeIsTriedAgainLater) {
  EmulatedKernels kernels = Kernels();
  const RunRequest request = Of({Artifact("a.so", "a")});
  next_ = {RunStatus::kTimeout, "killed at the deadline", {}};
  EXPECT_EQ(kernels.Run({}, request, milliseconds(20'000)).status, RunStatus::kTimeout);
  next_ = {RunStatus::kOk, "", {}};
  now_ += milliseconds(199'999);
  EXPECT_EQ(kernels.Run({}, request, milliseconds(20'000)).status, RunStatus::kTimeout);
  EXPECT_EQ(emulated_, 1);
  now_ += milliseconds(1);
  EXPECT_EQ(kernels.Run({}, request, milliseconds(20'000)).status, RunStatus::kOk);
  now_ += milliseconds(1'000'000);
  EXPECT_EQ(kernels.Run({}, request, milliseconds(20'000)).status, RunStatus::kOk);
  EXPECT_EQ(emulated_, 2) << "what is known for certain is";
}

}  // namespace
}  // namespace halyard
