#include "targets/host_detection.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace halyard {
namespace {

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Value of the first line of /proc/cpuinfo with this key, empty where there is none.
std::string CpuInfo(absl::string_view key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (absl::StripAsciiWhitespace(parts.first) == key) {
      return std::string(absl::StripAsciiWhitespace(parts.second));
    }
  }
  return "";
}

int AvailableCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)));
}

// "48K" or "2048K" or "16M" as sysfs prints cache sizes.
int64_t ParseSize(std::string text) {
  int64_t scale = 1;
  if (!text.empty() && text.back() == 'K') scale = 1 << 10;
  if (!text.empty() && text.back() == 'M') scale = 1 << 20;
  if (scale != 1) text.pop_back();
  int64_t value = 0;
  return absl::SimpleAtoi(text, &value) ? value * scale : 0;
}

// "0-1,4" -> 3
int CountCpuList(const std::string& list) {
  int count = 0;
  for (absl::string_view part : absl::StrSplit(list, ',')) {
    const std::vector<absl::string_view> ends = absl::StrSplit(part, '-');
    int first = 0, last = 0;
    if (!absl::SimpleAtoi(ends.front(), &first) || !absl::SimpleAtoi(ends.back(), &last)) continue;
    count += last - first + 1;
  }
  return std::max(1, count);
}

std::vector<CacheLevel> DetectCaches() {
  std::vector<std::pair<int, CacheLevel>> found;
  for (int index = 0;; ++index) {
    const std::string folder = fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/", index);
    const std::string type = FirstLine(folder + "type");
    if (type.empty()) break;
    if (type == "Instruction") continue;
    CacheLevel level;
    int depth = 0;
    int64_t line = 0;
    level.bytes = ParseSize(FirstLine(folder + "size"));
    level.shared_by_cores = CountCpuList(FirstLine(folder + "shared_cpu_list"));
    if (absl::SimpleAtoi(FirstLine(folder + "coherency_line_size"), &line)) level.line_bytes = line;
    if (level.bytes > 0 && absl::SimpleAtoi(FirstLine(folder + "level"), &depth)) {
      found.emplace_back(depth, level);
    }
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<CacheLevel> caches;
  for (const auto& [depth, level] : found) caches.push_back(level);
  // Containers without sysfs: sizes every core of the last decade has at least.
  if (caches.empty()) caches = {{32 << 10, 64, 1}, {256 << 10, 64, 1}};
  return caches;
}

[[maybe_unused]] void DetectX86(Device* device) {
  const std::set<std::string> flags = absl::StrSplit(CpuInfo("flags"), ' ', absl::SkipEmpty());
  device->halide_target = HalideTargetForX86Flags(flags);
  device->triplet = "x86_64-linux-gnu";
  device->cpu = CpuInfo("model name");
  const bool avx512 = device->halide_target.find("-avx512") != std::string::npos;
  device->vector_bytes = avx512 ? 64 : flags.count("avx") != 0 ? 32 : 16;
  device->vector_registers = avx512 ? 32 : 16;
}

[[maybe_unused]] void DetectArm(Device* device) {
  device->halide_target = "arm-64-linux";
  device->triplet = "aarch64-linux-gnu";
  device->cpu =
      fmt::format("implementer {} part {}", CpuInfo("CPU implementer"), CpuInfo("CPU part"));
  device->vector_bytes = 16;
  device->vector_registers = 32;
}

}  // namespace

std::string HalideTargetForX86Flags(const std::set<std::string>& flags) {
  const auto has = [&](std::initializer_list<const char*> names) {
    return std::all_of(names.begin(), names.end(),
                       [&](const char* name) { return flags.count(name) != 0; });
  };
  std::vector<std::string> features = {"x86-64-linux"};
  const bool avx512 = has({"avx512f", "avx512cd"});
  const bool skylake = avx512 && has({"avx512vl", "avx512bw", "avx512dq"});
  const bool cannonlake = skylake && has({"avx512ifma"});
  if (has({"avx"})) features.push_back("avx");
  if (has({"avx", "avx2"})) features.push_back("avx2");
  if (avx512) features.push_back("avx512");
  if (cannonlake) features.push_back("avx512_cannonlake");
  if (avx512 && has({"avx512pf", "avx512er"})) features.push_back("avx512_knl");
  if (cannonlake && has({"avx_vnni", "avx512_bf16"})) features.push_back("avx512_sapphirerapids");
  if (skylake) features.push_back("avx512_skylake");
  if (has({"f16c"})) features.push_back("f16c");
  if (has({"fma"})) features.push_back("fma");
  if (has({"sse4_1"})) features.push_back("sse41");
  return absl::StrJoin(features, "-");
}

void DetectHost(Device* device) {
#if defined(__x86_64__)
  DetectX86(device);
#elif defined(__aarch64__)
  DetectArm(device);
#else
#error "host detection knows x86-64 and aarch64"
#endif
  device->cores = AvailableCores();
  device->memory_bytes = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  device->caches = DetectCaches();
}

}  // namespace halyard
