#include "rpc_farm/simulated/simulated_board.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "targets/timing_rules.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kDeadline{60'000};
constexpr double kMillisecondNs = 1e6;

// One candidate that takes a millisecond and answers 1 and 2.
RunRequest Request(int samples = 5) {
  EntrySpec entry;
  entry.symbol = "kernel";
  entry.output = {{8}};
  entry.probe_points = {0, 7};
  entry.projection = true;
  RunRequest request;
  request.timing.samples = samples;
  request.timing.warmup_runs = 0;
  request.timing.min_sample_ns = 0;
  request.timing.cap_ns = 1'000'000'000'000;
  request.candidates = {{"kernel.so", {entry}}};
  return request;
}
EntryResult Entry(double ns = kMillisecondNs) {
  EntryResult entry;
  entry.probe_values = {1, 2};
  entry.samples_ns = {ns};
  return entry;
}
RunReply Truth(double ns = kMillisecondNs) {
  RunReply reply;
  reply.candidates = {{Entry(ns)}};
  return reply;
}
std::vector<double> Samples(SimulatedBoard& board, double now, const RunRequest& request) {
  const auto ended = board.Run(now, request, Truth(), kDeadline);
  EXPECT_EQ(ended.outcome.status, RunStatus::kOk) << ended.outcome.message;
  return ended.outcome.reply.candidates.at(0).at(0).samples_ns;
}

TEST(SimulatedBoard, WithoutNoiseTakesWhatTheKernelTakesByItsSpeed) {
  SimulationScript script;
  script.speed = 2;
  SimulatedBoard board(script, 1, 1.5);
  const auto ended = board.Run(10, Request(), Truth(), kDeadline);
  ASSERT_EQ(ended.outcome.status, RunStatus::kOk);
  const EntryResult& entry = ended.outcome.reply.candidates.at(0).at(0);
  ASSERT_EQ(entry.samples_ns.size(), 5u);
  for (double ns : entry.samples_ns) EXPECT_DOUBLE_EQ(ns, 0.5e6);
  EXPECT_EQ(entry.probe_values, (std::vector<float>{1, 2}));
  // The checked run and five samples.
  EXPECT_NEAR(ended.seconds, 6 * 0.5e-3, 1e-12);
  EXPECT_FALSE(ended.outcome.reply.before.has_value()) << "it has no sensors";
}

TEST(SimulatedBoard, TheSameSeedAndRunsGiveTheSameSamplesAndAnotherSeedOthers) {
  SimulationScript script;
  script.noise = 0.02;
  script.speed_spread = 0.05;
  SimulatedBoard a(script, 7, 1.5), b(script, 7, 1.5), c(script, 8, 1.5);
  EXPECT_NE(a.speed(), c.speed());
  for (double now : {0.0, 1.0, 2.0}) {
    const auto samples = Samples(a, now, Request());
    EXPECT_EQ(Samples(b, now, Request()), samples);
    EXPECT_NE(Samples(c, now, Request()), samples);
    EXPECT_NE(samples.front(), samples.back());
  }
}

struct Spread {
  double mean = 0, deviation = 0;
};
Spread SpreadOfLogs(const std::vector<double>& values) {
  Spread spread;
  for (double v : values) spread.mean += std::log(v) / static_cast<double>(values.size());
  double squares = 0;
  for (double v : values) squares += (std::log(v) - spread.mean) * (std::log(v) - spread.mean);
  spread.deviation = std::sqrt(squares / static_cast<double>(values.size() - 1));
  return spread;
}

// Of 4,000 values the deviation is known to 1.1 % of itself, the mean to 1.6 % of it: four of each.
TEST(SimulatedBoard, NoiseAndSpreadAreAsWideAsAsked) {
  SimulationScript script;
  script.noise = 0.02;
  SimulatedBoard board(script, 3, 1.5);
  const Spread noise = SpreadOfLogs(Samples(board, 0, Request(4000)));
  EXPECT_NEAR(noise.deviation, 0.02, 0.0009);
  EXPECT_NEAR(noise.mean, std::log(kMillisecondNs), 0.0013);
  script.speed = 3;
  script.speed_spread = 0.05;
  std::vector<double> speeds;
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    speeds.push_back(SimulatedBoard(script, seed, 1.5).speed());
  }
  const Spread between = SpreadOfLogs(speeds);
  EXPECT_NEAR(between.deviation, 0.05, 0.0022);
  EXPECT_NEAR(between.mean, std::log(3), 0.0032);
}

TEST(SimulatedBoard, DriftsAlongItsScript) {
  SimulationScript script;
  script.drift = {{10, 10, 1.2}, {30, 0, 1}};
  SimulatedBoard board(script, 1, 1.5);
  const auto at = [&](double now) { return Samples(board, now, Request(1)).front() / 1e6; };
  EXPECT_NEAR(at(5), 1, 1e-6);
  // A millisecond of the drift has passed with the checked run.
  EXPECT_NEAR(at(15), 1.1, 1e-4);
  EXPECT_NEAR(at(25), 1.2, 1e-6);
  EXPECT_NEAR(at(29.5), 1.2, 1e-6);
  EXPECT_NEAR(at(30), 1, 1e-6);
}

TEST(SimulatedBoard, HeatsUpUnderLoadTellsItAndARunInWhichTheClockFellIsVoid) {
  SimulationScript script;
  script.heat = HeatScript{20, 60, 10, 60, 5, 0.7};
  SimulatedBoard board(script, 1, 1.5);
  RunRequest request = Request(3);
  request.timing.min_sample_ns = 500'000'000;
  request.timing.cap_ns = 1'500'000'000;
  auto ended = board.Run(0, request, Truth(), kDeadline);
  ASSERT_EQ(ended.outcome.status, RunStatus::kOk) << ended.outcome.message;
  EXPECT_NEAR(ended.seconds, 1.501, 1e-6);
  EXPECT_EQ(ended.outcome.reply.before->celsius, 20);
  EXPECT_EQ(ended.outcome.reply.before->clock_mhz, 1500);
  EXPECT_NEAR(*ended.outcome.reply.after->celsius, 80 - 60 * std::exp(-0.1501), 1e-6);
  EXPECT_NE(board.environment().find("1500 MHz, 28.4 C"), std::string::npos) << board.environment();
  // Busy all the time: the limit is reached in 11 s.
  double now = ended.seconds;
  int ok = 1, unstable = 0, slow = 0;
  for (; now < 30; now += ended.seconds) {
    ended = board.Run(now, request, Truth(), kDeadline);
    if (ended.outcome.status == RunStatus::kUnstable) {
      ++unstable;
      EXPECT_NE(ended.outcome.message.find("the clock moved from 1500 to 1050 MHz"),
                std::string::npos)
          << ended.outcome.message;
    } else {
      ASSERT_EQ(ended.outcome.status, RunStatus::kOk);
      ++ok;
      if (ended.outcome.reply.candidates[0][0].samples_ns[0] > 1.4e6) ++slow;
    }
  }
  EXPECT_EQ(unstable, 1);
  EXPECT_GE(slow, 5);
  EXPECT_LE(slow, ok - 6);
  // It has cooled by the next run, however late that is.
  ended = board.Run(now + 1000, request, Truth(), kDeadline);
  EXPECT_EQ(ended.outcome.status, RunStatus::kOk);
  EXPECT_NEAR(*ended.outcome.reply.before->celsius, 20, 1e-6);
}

TEST(SimulatedBoard, HangsAndWrongAnswersComeAtTheRatesAskedAndEveryOneIsSeen) {
  SimulationScript script;
  script.hang = 0.1;
  script.wrong = 0.2;
  SimulatedBoard board(script, 5, 1.5);
  constexpr int kRuns = 5000;
  int hung = 0, wrong = 0;
  double now = 0;
  for (int i = 0; i < kRuns; ++i) {
    const auto ended = board.Run(now, Request(1), Truth(), milliseconds(500));
    now += ended.seconds;
    if (ended.outcome.status == RunStatus::kTimeout) {
      ++hung;
      EXPECT_NEAR(ended.seconds, 0.5, 1e-9);
      continue;
    }
    ASSERT_EQ(ended.outcome.status, RunStatus::kOk);
    const EntryResult& entry = ended.outcome.reply.candidates[0][0];
    // What the checkers look at.
    if (!WorthTiming(entry) || entry.probe_values != Entry().probe_values ||
        entry.projection != 0) {
      ++wrong;
    }
  }
  // Four standard deviations of the binomial distribution.
  EXPECT_NEAR(hung, 500, 85);
  EXPECT_NEAR(wrong, 900, 108);
}

TEST(SimulatedBoard, IsLostWhileItRebootsOrIsCutOffAndSoIsTheRunItWasAt) {
  SimulationScript script;
  script.partition = {{100, 10}};
  SimulatedBoard board(script, 1, 1.5);
  EXPECT_FALSE(board.WhyLost(99.9).has_value());
  EXPECT_EQ(board.WhyLost(100), "the simulated board cannot be reached for another 10.0 s");
  EXPECT_FALSE(board.WhyLost(110).has_value());
  auto ended = board.Run(105, Request(), Truth(), kDeadline);
  EXPECT_EQ(ended.outcome.status, RunStatus::kBoardLost);
  EXPECT_EQ(ended.seconds, 0);
  ended = board.Run(99.999, Request(), Truth(), kDeadline);
  EXPECT_EQ(ended.outcome.status, RunStatus::kBoardLost);
  EXPECT_NEAR(ended.seconds, 0.001, 1e-9);

  script = {};
  script.reboot = {50, 5};
  double lost = 0;
  std::vector<double> first;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    SimulatedBoard other(script, seed, 1.5);
    for (int tenth = 0; tenth < 10'000; ++tenth) {
      if (!other.WhyLost(tenth * 0.1)) continue;
      if (lost == 0 || first.size() == seed) first.push_back(tenth * 0.1);
      lost += 0.1;
    }
  }
  // A tenth of the time, but for what comes before the first.
  EXPECT_NEAR(lost, 10 * 1000 * 0.1, 60);
  std::sort(first.begin(), first.end());
  EXPECT_EQ(std::unique(first.begin(), first.end()), first.end()) << "not in step";
}

TEST(SimulatedBoard, HoldsToTheTimingPolicy) {
  SimulatedBoard board({}, 1, 1.5);
  RunRequest request = Request(5);
  request.timing.incumbent_ns = 0.5e6;
  EXPECT_EQ(Samples(board, 0, request).size(), 2u) << "twice the incumbent";
  request.timing.incumbent_ns = 0.2e6;
  EXPECT_EQ(Samples(board, 1, request).size(), 1u) << "five times the incumbent";
  request.timing.incumbent_ns = 0;
  request.timing.min_sample_ns = 10'500'000;
  request.timing.cap_ns = 30'000'000;
  auto ended = board.Run(2, request, Truth(), kDeadline);
  EXPECT_EQ(ended.outcome.reply.candidates[0][0].samples_ns.size(), 3u) << "the cap";
  EXPECT_NEAR(ended.seconds, 0.001 + 3 * 0.011, 1e-9) << "whole runs of at least that long";
  ended = board.Run(3, request, Truth(), milliseconds(20));
  EXPECT_EQ(ended.outcome.status, RunStatus::kTimeout);
  EXPECT_NEAR(ended.seconds, 0.02, 1e-12);
}

TEST(SimulatedBoard, AbsurdlyManySamplesAreTheRequestsOwnFault) {
  SimulatedBoard board({}, 1, 1.5);
  RunRequest request = Request();
  request.mode = RunMode::kInterleave;
  request.rounds = 1'000'000;
  request.candidates.resize(1000, request.candidates[0]);
  RunReply truth;
  truth.candidates.resize(1000, {Entry(1)});
  EXPECT_EQ(board.Run(0, request, truth, kDeadline).outcome.status, RunStatus::kResource);
  truth.candidates.assign(1000, {Entry(1e6)});
  const auto ended = board.Run(1, request, truth, kDeadline);
  EXPECT_EQ(ended.outcome.status, RunStatus::kTimeout);
  EXPECT_NEAR(ended.seconds, 60, 1e-9);
}

TEST(SimulatedBoard, InterleavesOneSampleARoundAndTimesNothingThatIsWrong) {
  SimulatedBoard board({}, 1, 1.5);
  RunRequest request = Request();
  request.mode = RunMode::kInterleave;
  request.rounds = 7;
  request.candidates.resize(3, request.candidates[0]);
  RunReply truth;
  truth.candidates = {{Entry(1e6)}, {Entry(2e6)}, {Entry(3e6)}};
  truth.candidates[1][0].poison_left = 3;
  truth.candidates[1][0].samples_ns.clear();
  const auto ended = board.Run(0, request, truth, kDeadline);
  ASSERT_EQ(ended.outcome.status, RunStatus::kOk);
  const RunReply& reply = ended.outcome.reply;
  EXPECT_EQ(reply.candidates[0][0].samples_ns, std::vector<double>(7, 1e6));
  EXPECT_EQ(reply.candidates[1][0].samples_ns, std::vector<double>());
  EXPECT_EQ(reply.candidates[2][0].samples_ns, std::vector<double>(7, 3e6));
}

}  // namespace
}  // namespace halyard
