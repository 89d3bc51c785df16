#include "targets/run_protocol.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace halyard {
namespace {

using nlohmann::json;

RunRequest SomeRequest() {
  RunRequest request;
  request.mode = RunMode::kInterleave;
  request.seed = 0xfedcba9876543210ull;
  request.threads = 3;
  request.rounds = 5;
  request.timing = {2, 1'000, 7, 1.5, 123.25, 9'000};
  EntrySpec entry;
  entry.symbol = "kernel";
  entry.inputs = {{{3, 4}}, {{}}};
  entry.output = {{12}};
  entry.canonical_output = {3, 4};
  entry.probe_points = {0, 11};
  entry.projection = true;
  entry.prepare = PrepareSpec{"kernel_pack", 1, {{5, 4}}};
  request.candidates = {{"/a b/\"c\".so", {entry, entry}}, {"d", {}}};
  return request;
}

TEST(RunProtocol, RequestRoundTrips) {
  const json sent = SomeRequest();
  EXPECT_EQ(sent.at("mode"), "interleave");
  const auto received = json::parse(sent.dump()).get<RunRequest>();
  EXPECT_EQ(json(received), sent);
  EXPECT_EQ(received.seed, 0xfedcba9876543210ull);
  EXPECT_EQ(received.candidates[0].entries[1].inputs[0].elements(), 12);
  EXPECT_EQ(received.candidates[0].entries[1].prepare->packed.elements(), 20);
}

TEST(RunProtocol, ReplyRoundTripsNonFiniteValues) {
  RunReply reply;
  reply.peak_gflops = 1.5;
  reply.copy_gb_per_s = 2.5;
  EntryResult entry;
  entry.kernel_error = -3;
  entry.kernel_message = "no";
  entry.samples_ns = {1, 2.5};
  entry.probe_values = {std::numeric_limits<float>::quiet_NaN(),
                        std::numeric_limits<float>::infinity(), 0.1f, -0.0f};
  entry.projection = std::numeric_limits<double>::quiet_NaN();
  entry.poison_left = 4;
  entry.non_finite = 5;
  entry.guards_intact = false;
  entry.inputs_intact = false;
  entry.reruns_agree = false;
  entry.serial_cycles = 6.5;
  entry.regions = {{7, {8.5, 9.5}, 1.5}};
  entry.instructions = {{"simd_fma", 9}};
  reply.candidates = {{entry}, {}};
  const json sent = reply;
  const auto received = json::parse(sent.dump()).get<RunReply>();
  EXPECT_EQ(json(received), sent);
  const EntryResult& back = received.candidates[0][0];
  EXPECT_TRUE(std::isnan(back.probe_values[0]));
  EXPECT_EQ(back.probe_values[1], std::numeric_limits<float>::infinity());
  EXPECT_EQ(back.probe_values[2], 0.1f);
  EXPECT_TRUE(std::signbit(back.probe_values[3]));
  EXPECT_TRUE(std::isnan(back.projection));
  EXPECT_EQ(back.regions[0].tasks, 7);
}

TEST(RunProtocol, AnyMissingFieldIsAnError) {
  const json whole = SomeRequest();
  for (const auto& [name, value] : whole.items()) {
    json part = whole;
    part.erase(name);
    EXPECT_THROW(part.get<RunRequest>(), json::exception) << name;
    part[name] = json::object({{"odd", 1}});
    EXPECT_THROW(part.get<RunRequest>(), json::exception) << name;
  }
  const json reply = RunReply{};
  for (const auto& [name, value] : reply.items()) {
    json part = reply;
    part.erase(name);
    EXPECT_THROW(part.get<RunReply>(), json::exception) << name;
  }
}

TEST(RunProtocol, UnknownModeAndAbsurdExtentsAreErrors) {
  json request = SomeRequest();
  request["mode"] = "measures";
  EXPECT_THROW(request.get<RunRequest>(), json::exception);
  for (const json& extents : {json{0}, json{-1, 4}, json{1 << 30, 1 << 30, 1 << 30}}) {
    request = SomeRequest();
    request["candidates"][0]["entries"][0]["output"] = extents;
    EXPECT_THROW(request.get<RunRequest>(), json::exception) << extents;
  }
}

// nlohmann-json would make some integer of each, of the first by undefined behaviour.
TEST(RunProtocol, IntegersAreIntegers) {
  const json good = SomeRequest();
  for (const json& bad : {json(1e300), json(2.5), json(true), json(4294967297LL), json("3"),
                          json(nullptr), json(std::numeric_limits<uint64_t>::max())}) {
    json changed = good;
    changed["threads"] = bad;
    EXPECT_THROW(changed.get<RunRequest>(), json::exception) << bad;
    changed = good;
    changed["candidates"][0]["entries"][0]["output"] = json::array({1, bad, int64_t{1} << 30});
    EXPECT_THROW(changed.get<RunRequest>(), json::exception) << bad;
  }
}

}  // namespace
}  // namespace halyard
