#include "tuner/doctor/board_steps.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "fmt/format.h"

namespace halyard {
namespace {

constexpr double kMiB = 1 << 20;
// The runner and 64 artifacts, with room.
constexpr double kLeastDisk = 64 * kMiB;
// A sample lasts two milliseconds at least: a clock this coarse still reads it to a thousandth.
constexpr int64_t kCoarseClockNs = 2'000;

// A Halide feature and what Linux calls it (Halide's Target.h; Linux's Documentation/arm64/
// elf_hwcaps.rst and arch/x86/include/asm/cpufeatures.h).
const std::map<std::string, std::vector<std::string>>& NamesOfFeatures() {
  static const std::map<std::string, std::vector<std::string>> names = {
      {"sse41", {"sse4_1"}},
      {"avx", {"avx"}},
      {"avx2", {"avx2"}},
      {"fma", {"fma"}},
      {"f16c", {"f16c"}},
      {"avx512", {"avx512f", "avx512cd"}},
      {"avx512_knl", {"avx512pf", "avx512er"}},
      {"avx512_skylake", {"avx512vl", "avx512bw", "avx512dq"}},
      {"avx512_cannonlake", {"avx512ifma"}},
      {"avx512_sapphirerapids", {"avx_vnni", "avx512_bf16"}},
      {"arm_dot_prod", {"asimddp"}},
      {"arm_fp16", {"asimdhp"}},
      {"armv81a", {"asimdrdm"}},
      {"sve", {"sve"}},
      {"sve2", {"sve2"}}};
  return names;
}

Step Architecture(const Device& device, const BoardFacts& facts) {
  const std::string wanted = device.triplet.substr(0, device.triplet.find('-'));
  if (wanted == facts.machine) return {"architecture", Verdict::kOk, facts.machine, ""};
  return {"architecture", Verdict::kFailed,
          fmt::format("the board is {}, the device file says {}", facts.machine, device.triplet),
          "name another --device, or another --board"};
}

Step Features(const Device& device, const BoardFacts& facts) {
  std::vector<std::string> missing;
  const std::vector<std::string> assumed = FeaturesAssumed(device.halide_target);
  for (const std::string& name : assumed) {
    if (!std::binary_search(facts.cpu_features.begin(), facts.cpu_features.end(), name)) {
      missing.push_back(name);
    }
  }
  // A board that hides /proc/cpuinfo is no board without features.
  if (facts.cpu_features.empty()) {
    return {"cpu features", Verdict::kWarning, "the board does not tell them", ""};
  }
  if (missing.empty()) {
    return {"cpu features", Verdict::kOk,
            assumed.empty() ? "none beyond the architecture's own" : absl::StrJoin(assumed, " "),
            ""};
  }
  return {"cpu features", Verdict::kFailed,
          fmt::format("{} assumes {}, which the board's CPU has not", device.halide_target,
                      absl::StrJoin(missing, " ")),
          "give the device file the halide_target of this CPU; kernels would end by SIGILL"};
}

Step Memory(const Device& device, const BoardFacts& facts) {
  const auto told = static_cast<double>(device.memory_bytes);
  const auto there = static_cast<double>(facts.memory_bytes);
  const std::string found =
      fmt::format("{:.0f} MiB, {:.0f} available; the device file says {:.0f}", there / kMiB,
                  static_cast<double>(facts.available_bytes) / kMiB, told / kMiB);
  // A run may take half of what the file says.
  if (told / 2 > there) {
    return {"memory", Verdict::kFailed, found,
            fmt::format("set memory_bytes to {} in the device file", facts.memory_bytes)};
  }
  // Firmware and graphics keep a part of a board's memory for themselves.
  if (told > 1.2 * there) {
    return {"memory", Verdict::kWarning, found,
            fmt::format("set memory_bytes to {} in the device file", facts.memory_bytes)};
  }
  if (told / 2 > static_cast<double>(facts.available_bytes)) {
    return {"memory", Verdict::kWarning, found,
            "end what else uses the board's memory: a run may take half of it"};
  }
  return {"memory", Verdict::kOk, found, ""};
}

Step Disk(const BoardFacts& facts) {
  const auto free = static_cast<double>(facts.free_disk_bytes);
  const std::string found = fmt::format("{:.0f} MiB free", free / kMiB);
  if (free >= kLeastDisk) return {"disk", Verdict::kOk, found, ""};
  return {"disk", Verdict::kFailed, found,
          fmt::format("make {:.0f} MiB of room, or name another folder in HALYARD_BOARD_FOLDER",
                      kLeastDisk / kMiB)};
}

Step Cores(const Device& device, const BoardFacts& facts) {
  const std::string found = fmt::format("{}; the device file says {}", facts.cores, device.cores);
  if (facts.cores >= device.cores) return {"cores", Verdict::kOk, found, ""};
  return {"cores", Verdict::kWarning, found,
          fmt::format("set cores to {} in the device file, or switch the others on", facts.cores)};
}

Step Clock(const BoardFacts& facts) {
  const std::string found = fmt::format("reads to {} ns", facts.clock_resolution_ns);
  if (facts.clock_resolution_ns <= kCoarseClockNs) return {"clock", Verdict::kOk, found, ""};
  return {"clock", Verdict::kWarning, found,
          "start its kernel with high-resolution timers (CONFIG_HIGH_RES_TIMERS)"};
}

Step Governor(const BoardFacts& facts) {
  const std::string& governor = facts.conditions.governor;
  if (governor.empty()) return {"governor", Verdict::kOk, "the board has no cpufreq", ""};
  if (governor == "performance" || governor == "userspace") {
    return {"governor", Verdict::kOk, governor, ""};
  }
  return {"governor", Verdict::kWarning, governor + ", under which the clock follows the load",
          "on the board: echo performance | sudo tee "
          "/sys/devices/system/cpu/cpufreq/policy*/scaling_governor"};
}

Step Throttling(const BoardFacts& facts) {
  const BoardConditions& c = facts.conditions;
  const std::string found = ConditionsText(c);
  const bool now = (c.pi_throttled.value_or(0) & 0xf) != 0 || c.cooling_state.value_or(0) > 0 ||
                   c.thermal_status.value_or(0) > 0;
  if (!now) {
    return {"throttling", Verdict::kOk, found.empty() ? "the board does not tell" : found, ""};
  }
  const bool voltage = (c.pi_throttled.value_or(0) & 1) != 0;
  return {"throttling", Verdict::kWarning, found,
          voltage ? "give it a stronger power supply" : "cool it; times taken now are slow ones"};
}

}  // namespace

std::vector<std::string> FeaturesAssumed(const std::string& halide_target) {
  std::vector<std::string> assumed;
  const std::vector<std::string> parts = absl::StrSplit(halide_target, '-');
  // NEON is the base of 64-bit Arm; of 32-bit Arm, unless the target says otherwise.
  const bool no_neon = std::find(parts.begin(), parts.end(), "no_neon") != parts.end();
  if (parts[0] == "arm" && !no_neon) {
    assumed.emplace_back(parts.size() > 1 && parts[1] == "32" ? "neon" : "asimd");
  }
  for (const std::string& part : parts) {
    const auto known = NamesOfFeatures().find(part);
    if (known == NamesOfFeatures().end()) continue;
    assumed.insert(assumed.end(), known->second.begin(), known->second.end());
  }
  return assumed;
}

std::vector<Step> BoardSteps(const Device& device, const BoardFacts& facts, Depth depth) {
  std::vector<Step> steps = {Architecture(device, facts), Features(device, facts),
                             Memory(device, facts), Disk(facts)};
  if (depth == Depth::kShort) return steps;
  for (Step step : {Cores(device, facts), Clock(facts), Governor(facts), Throttling(facts)}) {
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace halyard
