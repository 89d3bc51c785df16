#include "rpc_farm/simulated/simulation_script.h"

#include <gtest/gtest.h>

#include <set>

namespace halyard {
namespace {

absl::StatusOr<SimulationScript> Read(const std::string& text) {
  return ReadSimulationScript(nlohmann::json::parse(text), "b.json", "boards[0].simulation");
}

std::string ErrorOf(const std::string& text) {
  const auto script = Read(text);
  EXPECT_FALSE(script.ok()) << text;
  return script.ok() ? "" : std::string(script.status().message());
}

TEST(SimulationScript, ReadsWhatItsHeaderShows) {
  const auto script = Read(R"({
    "seed": 1, "speed": 1.5, "speed_spread": 0.05, "noise": 0.02,
    "drift": [{"at_s": 60, "over_s": 30, "to": 1.15}, {"at_s": 90, "to": 1}],
    "heat": {"ambient_c": 20, "rise_c": 70, "time_constant_s": 30, "limit_c": 75,
             "hysteresis_c": 4, "throttled_clock": 0.5},
    "hang": 0.001, "wrong": 0.002, "reboot": {"every_s": 600, "for_s": 30},
    "partition": [{"at_s": 300, "for_s": 20}], "pace": 0})");
  ASSERT_TRUE(script.ok()) << script.status();
  EXPECT_EQ(script->seed, 1u);
  EXPECT_EQ(script->speed, 1.5);
  EXPECT_EQ(script->speed_spread, 0.05);
  EXPECT_EQ(script->noise, 0.02);
  ASSERT_EQ(script->drift.size(), 2u);
  EXPECT_EQ(script->drift[0].over_s, 30);
  EXPECT_EQ(script->drift[1].over_s, 0);
  EXPECT_EQ(script->drift[0].to, 1.15);
  ASSERT_TRUE(script->heat.has_value());
  EXPECT_EQ(script->heat->throttled_clock, 0.5);
  EXPECT_EQ(script->hang, 0.001);
  EXPECT_EQ(script->wrong, 0.002);
  EXPECT_EQ(script->reboot->for_s, 30);
  EXPECT_EQ(script->partition.at(0).at_s, 300);
  EXPECT_EQ(script->pace, 0);
}

TEST(SimulationScript, OfNothingIsABoardThatNothingHappensTo) {
  const auto script = Read("{}");
  ASSERT_TRUE(script.ok()) << script.status();
  EXPECT_EQ(script->speed, 1);
  EXPECT_EQ(script->noise, 0);
  EXPECT_FALSE(script->heat || script->reboot);
  EXPECT_EQ(script->pace, 1);
}

TEST(SimulationScript, ErrorsNameFileAndFieldAndWhatWouldBeRight) {
  EXPECT_EQ(ErrorOf("5"), "b.json: boards[0].simulation must be an object");
  EXPECT_EQ(ErrorOf(R"({"speeed": 1})"),
            "b.json: boards[0].simulation.speeed is not a field of a simulation");
  EXPECT_EQ(ErrorOf(R"({"speed": 0})"),
            "b.json: boards[0].simulation.speed must be a number from 0.001 to 1000");
  EXPECT_EQ(ErrorOf(R"({"hang": 2})"),
            "b.json: boards[0].simulation.hang must be a number from 0 to 1");
  EXPECT_EQ(ErrorOf(R"({"noise": "2 %"})"),
            "b.json: boards[0].simulation.noise must be a number from 0 to 0.5");
  EXPECT_EQ(ErrorOf(R"({"seed": -1})"),
            "b.json: boards[0].simulation.seed must be an integer of at least 0");
  EXPECT_EQ(ErrorOf(R"({"drift": {"to": 2}})"),
            "b.json: boards[0].simulation.drift must be a list of at most 1000 objects");
  EXPECT_EQ(ErrorOf(R"({"drift": [{"at_s": 1}]})"),
            "b.json: boards[0].simulation.drift[0].to is missing");
  EXPECT_EQ(ErrorOf(R"({"drift": [{"at_s": 9, "over_s": 2, "to": 2}, {"at_s": 10, "to": 1}]})"),
            "b.json: boards[0].simulation.drift[1].at_s must be 11 or later: the one before ends "
            "then");
  EXPECT_EQ(ErrorOf(R"({"heat": {"limit_c": 20}})"),
            "b.json: boards[0].simulation.heat.limit_c less hysteresis_c must be above ambient_c: "
            "it would never cool to it");
  EXPECT_EQ(ErrorOf(R"({"reboot": {"every_s": 5, "for_s": 5}})"),
            "b.json: boards[0].simulation.reboot.for_s must be less than every_s");
  EXPECT_EQ(ErrorOf(R"({"partition": [{"at_s": 5, "for": 5}]})"),
            "b.json: boards[0].simulation.partition[0].for_s is missing");
}

TEST(SimulationScript, EachBoardHasASeedOfItsOwnThatItsNameRepeats) {
  std::set<uint64_t> seeds;
  for (uint64_t seed : {0, 1, 2}) {
    for (int i = 1; i <= 100; ++i) seeds.insert(SeedOfBoard(seed, "sim-" + std::to_string(i)));
  }
  EXPECT_EQ(seeds.size(), 300u);
  EXPECT_EQ(SeedOfBoard(1, "sim-7"), SeedOfBoard(1, "sim-7"));
  EXPECT_NE(SeedOfBoard(1, "ab"), SeedOfBoard(1, "ba"));
}

}  // namespace
}  // namespace halyard
