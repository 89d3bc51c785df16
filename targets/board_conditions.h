// What the surroundings of a measurement on a Linux board were: its clock, its heat, whether it
// throttled. Read on the board, right before and right after the samples.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace halyard {

// Only what the board tells.
struct BoardConditions {
  std::string governor;             // of cpufreq; "" where there is none
  std::optional<double> clock_mhz;  // of the fastest core
  std::optional<double> celsius;    // of the hottest thermal zone
  std::optional<double> watts;      // of the board's own power rails (INA3221 of a Jetson)
  // Raspberry Pi firmware's get_throttled: bits 0 to 3 under-voltage, capped, throttled and soft
  // temperature limit now, 16 to 19 the same since boot (Raspberry Pi documentation, vcgencmd).
  std::optional<int64_t> pi_throttled;
  std::optional<int64_t> cooling_state;    // sum over the cooling devices that slow cores down
  std::optional<int64_t> throttle_events;  // x86: counted since boot
  std::optional<int64_t> thermal_status;   // Android's thermal service: 0 none to 6 shutdown
};

// `root`: where the board's /sys lies, "/sys" but in a test.
BoardConditions ReadBoardConditions(const std::string& root);

// MHz of the fastest core, at the cost of one small file a clock domain.
std::optional<double> FastestClockMhz(const std::string& root);

// Empty, or why what was timed between the two readings is void: the clock moved or throttling
// began.
std::string WhyUnstable(const BoardConditions& before, const BoardConditions& after);

// "governor ondemand, 1500 MHz, 61.2 C, 3.1 W, not throttled", as far as the board tells.
std::string ConditionsText(const BoardConditions& conditions);

void to_json(nlohmann::json& j, const BoardConditions& c);
void from_json(const nlohmann::json& j, BoardConditions& c);  // throws on what is mistyped

}  // namespace halyard
