#include "rpc_farm/tracker/board_health.h"

#include <fmt/format.h>

#include <algorithm>

namespace halyard {

void BoardHealth::Begin(Stage stage) {
  stage_ = stage;
  waiting_ = false;
  proofs_ = interruptions_ = 0;
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
  held_ = false;
  if_unproved_ = Stage::kPowerCycle;
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
  held_ = false;
  if_unproved_ = Stage::kPowerCycle;
  next_rest_ = kFirstRetry;
  Begin(Stage::kProve);
}

std::optional<Remedy> BoardHealth::Next(FarmTime now) {
  if (stage_ == Stage::kResting && !held_ && now >= rest_until_) {
    // It may be back by itself, or have booted after its power cycle only now: then a reset would
    // take it away again.
    if_unproved_ = Stage::kReset;
    Begin(Stage::kProve);
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
  if (!good) return ProofFailed(now);
  interruptions_ = 0;
  if (++proofs_ < kProofsToReturn) return;
  failures_.clear();
  Begin(Stage::kFit);
}

void BoardHealth::Interrupt(FarmTime now) {
  if (!waiting_) return;
  if (stage_ != Stage::kProve) return Begin(Stage::kProve);
  waiting_ = false;
  if (++interruptions_ >= kInterruptionsToFail) ProofFailed(now);
}

void BoardHealth::ProofFailed(FarmTime now) {
  const Stage next = if_unproved_;
  if_unproved_ = next == Stage::kReset ? Stage::kPowerCycle : Stage::kResting;
  if (next == Stage::kResting) {
    rest_until_ = now + next_rest_;
    next_rest_ = std::min(2 * next_rest_, kLongestRetry);
  }
  Begin(next);
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
