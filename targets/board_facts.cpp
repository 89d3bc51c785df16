#include "targets/board_facts.h"

#include <sched.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "targets/json_integer.h"
#include "targets/run_protocol.h"

namespace halyard {
namespace {

std::vector<std::string> CpuFeatures() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    // "flags" on x86, "Features" on Arm.
    if (line.rfind("flags", 0) != 0 && line.rfind("Features", 0) != 0) continue;
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::istringstream words(line.substr(colon + 1));
    std::vector<std::string> features;
    for (std::string word; words >> word;) features.push_back(word);
    std::sort(features.begin(), features.end());
    return features;
  }
  return {};
}

int64_t AvailableBytes() {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    int64_t kb = 0;
    if (std::sscanf(line.c_str(), "MemAvailable: %ld kB", &kb) == 1) return kb * 1024;
  }
  return 0;
}

int Cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
  return static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
}

}  // namespace

BoardFacts ReadBoardFacts(const std::string& sys_root, const std::string& folder) {
  BoardFacts f;
  f.protocol = kRunProtocolVersion;
  utsname name = {};
  uname(&name);
  f.kernel = name.release;
  f.machine = name.machine;
  std::ifstream(sys_root + "/devices/system/clocksource/clocksource0/current_clocksource") >>
      f.clocksource;
  f.cpu_features = CpuFeatures();
  f.cores = Cores();
  f.memory_bytes = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  f.available_bytes = AvailableBytes();
  struct statvfs disk = {};
  if (statvfs(folder.c_str(), &disk) == 0) {
    f.free_disk_bytes = static_cast<int64_t>(disk.f_bavail) * static_cast<int64_t>(disk.f_frsize);
  }
  timespec resolution = {};
  clock_getres(CLOCK_MONOTONIC, &resolution);
  f.clock_resolution_ns = resolution.tv_sec * int64_t{1'000'000'000} + resolution.tv_nsec;
  f.conditions = ReadBoardConditions(sys_root);
  return f;
}

std::string SystemText(const BoardFacts& facts) {
  std::string text = "kernel " + facts.kernel;
  if (!facts.clocksource.empty()) text += ", clocksource " + facts.clocksource;
  return text;
}

void to_json(nlohmann::json& j, const BoardFacts& f) {
  j = {{"protocol", f.protocol},
       {"kernel", f.kernel},
       {"machine", f.machine},
       {"clocksource", f.clocksource},
       {"cpu_features", f.cpu_features},
       {"cores", f.cores},
       {"memory_bytes", f.memory_bytes},
       {"available_bytes", f.available_bytes},
       {"free_disk_bytes", f.free_disk_bytes},
       {"clock_resolution_ns", f.clock_resolution_ns},
       {"conditions", f.conditions}};
}

void from_json(const nlohmann::json& j, BoardFacts& f) {
  ReadInteger(j, "protocol", &f.protocol);
  j.at("kernel").get_to(f.kernel);
  j.at("machine").get_to(f.machine);
  j.at("clocksource").get_to(f.clocksource);
  j.at("cpu_features").get_to(f.cpu_features);
  ReadInteger(j, "cores", &f.cores);
  ReadInteger(j, "memory_bytes", &f.memory_bytes);
  ReadInteger(j, "available_bytes", &f.available_bytes);
  ReadInteger(j, "free_disk_bytes", &f.free_disk_bytes);
  ReadInteger(j, "clock_resolution_ns", &f.clock_resolution_ns);
  j.at("conditions").get_to(f.conditions);
}

}  // namespace halyard
