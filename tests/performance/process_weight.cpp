#include "tests/performance/process_weight.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace halyard {
namespace {

constexpr std::chrono::milliseconds kLookEvery{500};

double Mib(int64_t kib) { return static_cast<double>(kib) / 1024; }

}  // namespace

Weight WeightOf(const LoggedProcess& process) {
  Weight weight;
  std::ifstream file(fmt::format("/proc/{}/status", process.pid()));
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("VmRSS:", 0) == 0) weight.resident_kib = std::atoll(line.c_str() + 6);
  }
  weight.descriptors = process.Descriptors();
  weight.below = process.Below().size();
  return weight;
}

std::vector<Weight> MostOver(const std::vector<const LoggedProcess*>& processes,
                             std::chrono::seconds time) {
  std::vector<Weight> most(processes.size());
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    for (size_t i = 0; i < processes.size(); ++i) {
      const Weight now = WeightOf(*processes[i]);
      most[i].resident_kib = std::max(most[i].resident_kib, now.resident_kib);
      most[i].descriptors = std::max(most[i].descriptors, now.descriptors);
      most[i].below = std::max(most[i].below, now.below);
    }
    std::this_thread::sleep_for(kLookEvery);
  }
  return most;
}

bool IsBackAt(const Weight& before, const Weight& after) {
  return after.descriptors > 0 && after.descriptors <= before.descriptors + kDescriptorSlack &&
         after.resident_kib <= before.resident_kib + kResidentSlackKib;
}

std::string Compared(const Weight& before, const Weight& after) {
  return fmt::format("{} descriptors ({} before), {:.1f} MiB ({:.1f})", after.descriptors,
                     before.descriptors, Mib(after.resident_kib), Mib(before.resident_kib));
}

}  // namespace halyard
