#include "targets/judge/conditions_watch.h"

#include <chrono>

namespace halyard {
namespace {

using Clock = std::chrono::steady_clock;

// Governors look every few milliseconds to tens of them (kernel's admin-guide/pm/cpufreq.rst,
// sampling_rate and rate_limit_us).
constexpr auto kGovernorSees = std::chrono::milliseconds(10);
constexpr int64_t kLongSeenNs = 100'000'000;
constexpr auto kMostWait = std::chrono::milliseconds(300);

void KeepBusy(const std::function<void()>& load) {
  const auto end = Clock::now() + kGovernorSees;
  do {
    load();
  } while (Clock::now() < end);
}

}  // namespace

bool ConditionsWatch::ClockFollowsLoad() const {
  // These two hold the clock whatever the load.
  const std::string& governor = before_->governor;
  return !governor.empty() && governor != "performance" && governor != "userspace";
}

void ConditionsWatch::Begin(int64_t busy_ns, const std::function<void()>& load) {
  if (before_) return;
  before_ = ReadBoardConditions(sys_root_);
  if (!ClockFollowsLoad() || busy_ns >= kLongSeenNs) return;
  constexpr int kSame = 3;
  const auto end = Clock::now() + kMostWait;
  std::optional<double> last = before_->clock_mhz;
  for (int same = 0; last && same < kSame && Clock::now() < end;) {
    KeepBusy(load);
    const auto now = FastestClockMhz(sys_root_);
    same = now == last ? same + 1 : 0;
    last = now;
  }
  before_ = ReadBoardConditions(sys_root_);
}

void ConditionsWatch::End() { after_ = ReadBoardConditions(sys_root_); }

void ConditionsWatch::End(const std::function<void()>& load) {
  if (before_ && ClockFollowsLoad()) KeepBusy(load);
  End();
}

}  // namespace halyard
