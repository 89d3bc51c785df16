// Readings of the board's conditions around what is timed.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "targets/board_conditions.h"

namespace halyard {

class ConditionsWatch {
 public:
  // `sys_root`: where the board's /sys lies.
  explicit ConditionsWatch(std::string sys_root) : sys_root_(std::move(sys_root)) {}

  // Right ahead of the first sample, and of no effect later. `load` is what will be timed, and
  // `busy_ns` how long it has just kept the cores busy. Where the clock follows the load and that
  // was not long enough for a governor to see it, `load` is run until the clock stands still, 0.3 s
  // at most: under another load a CPU's turbo clock is another.
  void Begin(int64_t busy_ns, const std::function<void()>& load);
  // Right behind each last sample of the same load.
  void End();
  // The same behind other loads: `load`, which Begin had, is run first.
  void End(const std::function<void()>& load);

  const std::optional<BoardConditions>& before() const { return before_; }
  const std::optional<BoardConditions>& after() const { return after_; }

 private:
  bool ClockFollowsLoad() const;

  const std::string sys_root_;
  std::optional<BoardConditions> before_, after_;
};

}  // namespace halyard
