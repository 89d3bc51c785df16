#include "rpc_farm/simulated/heat_model.h"

#include <gtest/gtest.h>

#include <cmath>

namespace halyard {
namespace {

HeatScript Script() {
  HeatScript script;
  script.ambient_c = 20;
  script.rise_c = 40;
  script.time_constant_s = 10;
  script.limit_c = 100;
  return script;
}

TEST(HeatModel, WarmsUnderLoadAndCoolsAtRestByTheFormula) {
  HeatModel heat(Script());
  EXPECT_EQ(heat.celsius(), 20);
  heat.Pass(10, true);
  EXPECT_NEAR(heat.celsius(), 60 - 40 * std::exp(-1), 1e-9);
  // In many pieces as in one.
  HeatModel pieces(Script());
  for (int i = 0; i < 1000; ++i) pieces.Pass(0.01, true);
  EXPECT_NEAR(pieces.celsius(), heat.celsius(), 1e-9);
  heat.Pass(1e6, true);
  EXPECT_NEAR(heat.celsius(), 60, 1e-6);
  heat.Pass(10, false);
  EXPECT_NEAR(heat.celsius(), 20 + 40 * std::exp(-1), 1e-6);
  EXPECT_EQ(heat.clock(), 1);
}

TEST(HeatModel, AtItsLimitTheClockFallsUntilItHasCooled) {
  HeatScript script = Script();
  script.limit_c = 50;
  script.hysteresis_c = 10;
  script.throttled_clock = 0.25;
  HeatModel heat(script);
  // 50 C is three quarters of the way: ln 4 time constants.
  heat.Pass(10 * std::log(4) - 0.2, true);
  EXPECT_EQ(heat.clock(), 1);
  heat.Pass(0.4, true);
  EXPECT_EQ(heat.clock(), 0.25);
  // Now on its way to 30 C under load; above 40 C it stays throttled.
  heat.Pass(5, true);
  EXPECT_LT(heat.celsius(), 43);
  EXPECT_EQ(heat.clock(), 0.25);
  heat.Pass(10, false);
  EXPECT_LT(heat.celsius(), 40);
  EXPECT_EQ(heat.clock(), 1);
}

}  // namespace
}  // namespace halyard
