#include "targets/board_conditions.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <type_traits>
#include <vector>

#include "targets/json_integer.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;

// The clock of a steady core reads the same within this: turbo clocks jitter by a few percent, and
// the steps of boards that throttle are wider.
constexpr double kClockTolerance = 0.08;
constexpr int64_t kPiNow = 0xf;

std::string FirstLine(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::optional<int64_t> ReadInteger(const fs::path& path, int base = 10) {
  const std::string line = FirstLine(path);
  char* end = nullptr;
  const int64_t value = std::strtoll(line.c_str(), &end, base);
  if (line.empty() || end == line.c_str()) return std::nullopt;
  return value;
}

// Entries of a folder whose names begin like this, sorted; none where it cannot be read.
std::vector<fs::path> Entries(const fs::path& folder, const std::string& prefix) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().filename().string().rfind(prefix, 0) == 0) found.push_back(at->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::optional<double> HottestCelsius(const fs::path& root) {
  std::optional<double> hottest;
  for (const fs::path& zone : Entries(root / "class/thermal", "thermal_zone")) {
    const auto milli = ReadInteger(zone / "temp");
    // Zones that are switched off read as absolute zero and the like.
    if (!milli || *milli <= -40'000 || *milli > 200'000) continue;
    const double celsius = static_cast<double>(*milli) / 1000;
    hottest = std::max(hottest.value_or(celsius), celsius);
  }
  return hottest;
}

std::optional<int64_t> CoolingState(const fs::path& root) {
  std::optional<int64_t> sum;
  for (const fs::path& device : Entries(root / "class/thermal", "cooling_device")) {
    const std::string type = FirstLine(device / "type");
    // Fans cool without slowing down.
    if (type.find("cpufreq") == std::string::npos && type != "Processor") continue;
    if (const auto state = ReadInteger(device / "cur_state")) sum = sum.value_or(0) + *state;
  }
  return sum;
}

std::optional<int64_t> ThrottleEvents(const fs::path& root) {
  std::optional<int64_t> sum;
  for (const fs::path& cpu : Entries(root / "devices/system/cpu", "cpu")) {
    const auto count = ReadInteger(cpu / "thermal_throttle/core_throttle_count");
    if (count) sum = sum.value_or(0) + *count;
  }
  return sum;
}

// Of the rail that feeds the module where it is named, otherwise of all rails together (Jetson
// Linux Developer Guide, "Software-Based Power Consumption Modeling": VDD_IN).
std::optional<double> RailWatts(const fs::path& root) {
  std::optional<double> all;
  for (const fs::path& chip : Entries(root / "class/hwmon", "hwmon")) {
    if (FirstLine(chip / "name") != "ina3221") continue;
    for (const char* rail : {"1", "2", "3"}) {
      const auto millivolts = ReadInteger(chip / (std::string("in") + rail + "_input"));
      const auto milliamps = ReadInteger(chip / (std::string("curr") + rail + "_input"));
      if (!millivolts || !milliamps) continue;
      const double watts =
          static_cast<double>(*millivolts) * static_cast<double>(*milliamps) * 1e-6;
      if (FirstLine(chip / (std::string("in") + rail + "_label")) == "VDD_IN") return watts;
      all = all.value_or(0) + watts;
    }
  }
  return all;
}

// "1500", or "61.2" with one digit.
std::string Number(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

std::string ThrottlingText(const BoardConditions& c) {
  if (c.pi_throttled) {
    const int64_t now = *c.pi_throttled & kPiNow;
    if ((now & 1) != 0) return "under-voltage";
    if (now != 0) return "throttled";
    return *c.pi_throttled != 0 ? "throttled since boot" : "not throttled";
  }
  if (c.thermal_status.value_or(0) > 0) {
    return "thermal status " + std::to_string(*c.thermal_status);
  }
  if (c.cooling_state) return *c.cooling_state > 0 ? "throttled" : "not throttled";
  if (c.thermal_status) return "not throttled";
  return "";
}

template <typename T>
void Put(nlohmann::json& j, const char* name, const std::optional<T>& value) {
  if (value) j[name] = *value;
}
template <typename T>
void Take(const nlohmann::json& j, const char* name, std::optional<T>* value) {
  if (!j.contains(name)) return;
  if constexpr (std::is_integral_v<T>) {
    *value = IntegerOf<T>(j.at(name));
  } else {
    *value = j.at(name).get<T>();
  }
}

}  // namespace

std::optional<double> FastestClockMhz(const std::string& root) {
  std::optional<double> fastest;
  for (const fs::path& policy : Entries(fs::path(root) / "devices/system/cpu/cpufreq", "policy")) {
    const auto khz = ReadInteger(policy / "scaling_cur_freq");
    if (!khz || *khz <= 0) continue;
    fastest = std::max(fastest.value_or(0), static_cast<double>(*khz) / 1000);
  }
  return fastest;
}

BoardConditions ReadBoardConditions(const std::string& root) {
  BoardConditions c;
  const fs::path sys(root);
  const auto policies = Entries(sys / "devices/system/cpu/cpufreq", "policy");
  if (!policies.empty()) c.governor = FirstLine(policies.front() / "scaling_governor");
  c.clock_mhz = FastestClockMhz(root);
  c.celsius = HottestCelsius(sys);
  c.watts = RailWatts(sys);
  c.pi_throttled = ReadInteger(sys / "devices/platform/soc/soc:firmware/get_throttled", 16);
  c.cooling_state = CoolingState(sys);
  c.throttle_events = ThrottleEvents(sys);
  return c;
}

std::string WhyUnstable(const BoardConditions& before, const BoardConditions& after) {
  if (before.clock_mhz && after.clock_mhz &&
      std::fabs(*after.clock_mhz / *before.clock_mhz - 1) > kClockTolerance) {
    return "the clock moved from " + Number(*before.clock_mhz, 0) + " to " +
           Number(*after.clock_mhz, 0) + " MHz while it was timed";
  }
  const auto grew = [](const std::optional<int64_t>& a, const std::optional<int64_t>& b) {
    return a && b && *b > *a;
  };
  // Any bit that is new, be it now or since boot.
  const bool pi = before.pi_throttled && after.pi_throttled &&
                  (*after.pi_throttled & ~*before.pi_throttled) != 0;
  if (pi && (*after.pi_throttled & ~*before.pi_throttled & 0x10001) != 0) {
    return "the board's voltage fell too low while it was timed: give it a stronger power supply";
  }
  if (pi || grew(before.cooling_state, after.cooling_state) ||
      grew(before.throttle_events, after.throttle_events) ||
      grew(before.thermal_status, after.thermal_status)) {
    return "the board began to throttle while it was timed";
  }
  return "";
}

std::string ConditionsText(const BoardConditions& c) {
  std::string text;
  const auto add = [&](const std::string& part) {
    if (!part.empty()) text += (text.empty() ? "" : ", ") + part;
  };
  if (!c.governor.empty()) add("governor " + c.governor);
  if (c.clock_mhz) add(Number(*c.clock_mhz, 0) + " MHz");
  if (c.celsius) add(Number(*c.celsius, 1) + " C");
  if (c.watts) add(Number(*c.watts, 1) + " W");
  add(ThrottlingText(c));
  return text;
}

void to_json(nlohmann::json& j, const BoardConditions& c) {
  j = nlohmann::json::object();
  if (!c.governor.empty()) j["governor"] = c.governor;
  Put(j, "clock_mhz", c.clock_mhz);
  Put(j, "celsius", c.celsius);
  Put(j, "watts", c.watts);
  Put(j, "pi_throttled", c.pi_throttled);
  Put(j, "cooling_state", c.cooling_state);
  Put(j, "throttle_events", c.throttle_events);
  Put(j, "thermal_status", c.thermal_status);
}

void from_json(const nlohmann::json& j, BoardConditions& c) {
  c = BoardConditions{};
  if (j.contains("governor")) j.at("governor").get_to(c.governor);
  Take(j, "clock_mhz", &c.clock_mhz);
  Take(j, "celsius", &c.celsius);
  Take(j, "watts", &c.watts);
  Take(j, "pi_throttled", &c.pi_throttled);
  Take(j, "cooling_state", &c.cooling_state);
  Take(j, "throttle_events", &c.throttle_events);
  Take(j, "thermal_status", &c.thermal_status);
}

}  // namespace halyard
