#include "rpc_farm/runner_outcome.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "rpc_farm/plugin_report.h"

namespace halyard {
namespace {

RunRequest OneEntryRequest() {
  RunRequest request;
  request.candidates = {{"a.so", {EntrySpec{}}}};
  return request;
}

ChildResult Replied(const RunReply& reply) {
  ChildResult child;
  child.started = true;
  child.exit_code = 0;
  child.out = nlohmann::json(reply).dump();
  return child;
}

RunStatus StatusOf(const ChildResult& child) {
  return OutcomeOfRunner(child, OneEntryRequest()).status;
}

TEST(RunnerOutcome, EveryEndOfAProcessHasItsStatus) {
  RunReply good;
  good.candidates = {{EntryResult{}}};
  EXPECT_EQ(StatusOf(Replied(good)), RunStatus::kOk);

  EXPECT_EQ(StatusOf(ChildResult{}), RunStatus::kInfra);
  ChildResult child = Replied(good);
  child.timed_out = true;
  child.signal = SIGKILL;
  EXPECT_EQ(StatusOf(child), RunStatus::kTimeout);
  child = Replied(good);
  child.signal = SIGKILL;
  EXPECT_EQ(StatusOf(child), RunStatus::kResource);
  child.signal = SIGFPE;
  EXPECT_EQ(StatusOf(child), RunStatus::kCrash);
  child = Replied(good);
  child.exit_code = 77;
  EXPECT_EQ(StatusOf(child), RunStatus::kResource);
  child.exit_code = 1;
  EXPECT_EQ(StatusOf(child), RunStatus::kCrash);
  child = Replied(good);
  child.out = "";
  EXPECT_EQ(StatusOf(child), RunStatus::kCrash);
  child.out = "{\"protocol\":";
  EXPECT_EQ(StatusOf(child), RunStatus::kInfra);
}

TEST(RunnerOutcome, RepliesThatDoNotFitAreInfrastructureFailures) {
  RunReply reply;
  EXPECT_EQ(StatusOf(Replied(reply)), RunStatus::kInfra);
  reply.candidates = {{EntryResult{}, EntryResult{}}};
  EXPECT_EQ(StatusOf(Replied(reply)), RunStatus::kInfra);
  reply.candidates = {{EntryResult{}}};
  reply.protocol = kRunProtocolVersion + 1;
  EXPECT_EQ(StatusOf(Replied(reply)), RunStatus::kInfra);
  reply.protocol = kRunProtocolVersion;
  reply.error = "bad artifact:\nline";
  EXPECT_EQ(OutcomeOfRunner(Replied(reply), OneEntryRequest()).message, "bad artifact: line");
  reply.error = "";
  reply.candidates[0][0].kernel_error = -11;
  EXPECT_EQ(StatusOf(Replied(reply)), RunStatus::kResource);
}

TEST(PluginReport, FillsEntriesInOrder) {
  RunReply reply;
  reply.candidates = {{EntryResult{}}, {EntryResult{}}};
  const std::string kernel = R"({"serial":1.5,"regions":[[4,[1],0.25]],"instructions":{"int":3}})";
  ASSERT_TRUE(AddPluginReport("{\"kernels\":[" + kernel + "," + kernel + "]}", &reply).ok());
  EXPECT_EQ(reply.candidates[1][0].serial_cycles, 1.5);
  EXPECT_EQ(reply.candidates[1][0].regions[0].tasks, 4);
  EXPECT_EQ(reply.candidates[1][0].regions[0].cycles, std::vector<double>{1});
  EXPECT_EQ(reply.candidates[1][0].instructions.at("int"), 3);
}

TEST(PluginReport, ReportsThatDoNotFitAreErrors) {
  RunReply reply;
  reply.candidates = {{EntryResult{}}};
  for (const char* text : {"", "{}", "{\"kernels\":[]}", "{\"kernels\":[{}]}"}) {
    EXPECT_FALSE(AddPluginReport(text, &reply).ok()) << text;
  }
}

TEST(RunnerOutcome, FiguresThatNoRunHasAreNone) {
  RunReply reply;
  reply.candidates = {{EntryResult{}}};
  EntryResult& entry = reply.candidates[0][0];
  for (const double bad : {0.0, -1.0, 1e30}) {
    entry.samples_ns = {5, bad};
    EXPECT_EQ(StatusOf(Replied(reply)), RunStatus::kInfra) << bad;
  }
  entry.samples_ns = {5};
  for (const ParallelRegion& bad : {ParallelRegion{int64_t{1} << 50, {1}, 1},
                                    ParallelRegion{-1, {1}, 1}, ParallelRegion{1, {-1}, 1}}) {
    entry.regions = {bad};
    EXPECT_EQ(StatusOf(Replied(reply)), RunStatus::kInfra);
  }
  entry.regions = {{8, {1}, 1}};
  EXPECT_EQ(StatusOf(Replied(reply)), RunStatus::kOk);
}

// What a stranger sends must not cost the board its good name.
TEST(RunnerOutcome, ABadArtifactIsNotTheBoardsFault) {
  RunReply reply;
  reply.error = "bad artifact: not an ELF file";
  reply.rejected = true;
  EXPECT_EQ(StatusOf(Replied(reply)), RunStatus::kRejected);
  reply.rejected = false;
  EXPECT_EQ(StatusOf(Replied(reply)), RunStatus::kInfra);
}

}  // namespace
}  // namespace halyard
