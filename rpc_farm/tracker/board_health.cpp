#include "rpc_farm/tracker/board_health.h"

#include <fmt/format.h>

#include <algorithm>

namespace halyard {

void BoardHealth::Begin(Stage stage) {
  stage_ = stage;
  waiting_ = false;
  proofs_ = 0;
}

void BoardHealth::Fail(FarmTime now, const std::string& why) {
  if (!fit()) return;
  failures_.push_back(now);
  while (now - failures_.front() > kFailureWindow) failures_.pop_front();
  if (failures_.size() < kFailuresToQuarantine) return;
  why_ = fmt::format("{} failures in {} minutes, the last: {}", failures_.size(),
                     std::chrono::duration_cast<std::chrono::minutes>(kFailureWindow).count(), why);
  Resume(why_);
}

void BoardHealth::Resume(const std::string& why) {
  why_ = why;
  power_cycled_ = held_ = false;
  next_rest_ = kFirstRetry;
  Begin(Stage::kReset);
}

void BoardHealth::Quarantine(const std::string& why) {
  why_ = why;
  held_ = true;
  Begin(Stage::kResting);
}

void BoardHealth::Release() {
  if (fit()) return;
  held_ = power_cycled_ = false;
  next_rest_ = kFirstRetry;
  Begin(Stage::kProve);
}

std::optional<Remedy> BoardHealth::Next(FarmTime now) {
  if (stage_ == Stage::kResting && !held_ && now >= rest_until_) {
    power_cycled_ = false;
    Begin(Stage::kReset);
  }
  if (waiting_ || fit() || stage_ == Stage::kResting) return std::nullopt;
  waiting_ = true;
  if (stage_ == Stage::kReset) return Remedy::kReset;
  if (stage_ == Stage::kPowerCycle) return Remedy::kPowerCycle;
  return Remedy::kProve;
}

void BoardHealth::Answer(bool good, FarmTime now) {
  if (!waiting_) return;
  waiting_ = false;
  // A reset or power cycle that failed, for want of a command say, is judged by the proof after it.
  if (stage_ != Stage::kProve) return Begin(Stage::kProve);
  if (good) {
    if (++proofs_ < kProofsToReturn) return;
    failures_.clear();
    return Begin(Stage::kFit);
  }
  if (!power_cycled_) {
    power_cycled_ = true;
    return Begin(Stage::kPowerCycle);
  }
  rest_until_ = now + next_rest_;
  next_rest_ = std::min(2 * next_rest_, kLongestRetry);
  Begin(Stage::kResting);
}

std::string BoardHealth::Text() const {
  switch (stage_) {
    case Stage::kFit:
      return "ready";
    case Stage::kReset:
      return fmt::format("quarantined: {}; resetting", why_);
    case Stage::kPowerCycle:
      return fmt::format("quarantined: {}; power-cycling", why_);
    case Stage::kProve:
      return fmt::format("quarantined: {}; proving, {} of {}", why_, proofs_, kProofsToReturn);
    case Stage::kResting:
      return fmt::format("quarantined: {}{}", why_, held_ ? "" : "; to be tried again");
  }
  return "";
}

}  // namespace halyard
