#include "targets/supervision.h"

#include <gtest/gtest.h>

#include "targets/board_runner/supervisor.h"

namespace halyard {
namespace {

TEST(MarkedLine, IsFoundAmongWhatAShellPrints) {
  const nlohmann::json answer = {{"out", "h\xc3\xa9llo\nworld"}};
  const std::string line = MarkedLine(answer);
  for (unsigned char c : line) EXPECT_LT(c, 0x80);
  EXPECT_EQ(FindMarkedLine(line), answer);
  EXPECT_EQ(FindMarkedLine("Welcome to the board\n$ " + line + "\nbye\n"), answer);
  // A terminal's carriage returns, and what an earlier command answered.
  EXPECT_EQ(FindMarkedLine(MarkedLine(1) + line.substr(0, line.size() - 1) + "\r\n"), answer);
}

TEST(MarkedLine, AnAnswerThatWasCutShortIsNone) {
  const std::string line = MarkedLine({{"out", "hello"}});
  for (size_t n = 0; n < line.size(); ++n) {
    EXPECT_FALSE(FindMarkedLine(line.substr(0, n)).has_value()) << n;
  }
  EXPECT_FALSE(FindMarkedLine("\n@halyard:{]\n").has_value());
}

TEST(Supervision, JsonRoundTrips) {
  const Supervision supervision{1500, int64_t{3} << 32, "{\"a\": 1}"};
  const nlohmann::json json = supervision;
  EXPECT_EQ(nlohmann::json(json.get<Supervision>()), json);
  SupervisedRun run;
  run.runner.started = run.runner.timed_out = true;
  run.runner.signal = 9;
  run.runner.out = "\xff not text";
  run.thermal_status_after = 3;
  const auto there = FindMarkedLine(MarkedLine(run));
  ASSERT_TRUE(there.has_value());
  const auto back = there->get<SupervisedRun>();
  EXPECT_TRUE(back.runner.timed_out);
  EXPECT_EQ(back.runner.signal, 9);
  EXPECT_EQ(back.thermal_status_after, 3);
  EXPECT_FALSE(back.thermal_status_before.has_value());
}

TEST(ThermalStatus, IsReadFromTheThermalServicesDump) {
  EXPECT_EQ(ThermalStatusOf("IsStatusOverride: false\nThermalEventListeners:\n"
                            "\tcallbacks: 2\nThermal Status: 3\nCached temperatures:\n"),
            3);
  EXPECT_EQ(ThermalStatusOf(""), -1);
  EXPECT_EQ(ThermalStatusOf("Can't find service: thermalservice\n"), -1);
  EXPECT_EQ(ThermalStatusOf("Thermal Status: none\n"), -1);
}

}  // namespace
}  // namespace halyard
