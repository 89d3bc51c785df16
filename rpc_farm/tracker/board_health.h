// Whether a board may be given work, and what is to be done to one that may not: the state machine
// of a board's failures, quarantine and return.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "rpc_farm/tracker/farm_types.h"

namespace halyard {

inline constexpr int kFailuresToQuarantine = 3;
inline constexpr FarmDuration kFailureWindow{600'000};
inline constexpr int kProofsToReturn = 3;
// A board that a power cycle did not mend is tried again after this long, doubling up to the most.
inline constexpr FarmDuration kFirstRetry{600'000};
inline constexpr FarmDuration kLongestRetry{7'200'000};

// What its agent is to do to a board that is not fit for work. Each is answered by Answer().
enum class Remedy {
  kReset,       // the reset command of the board's file
  kPowerCycle,  // the power command of the board's file
  kProve,       // run the reference kernel
};

// Not thread-safe.
class BoardHealth {
 public:
  bool fit() const { return stage_ == Stage::kFit; }
  bool quarantined() const { return stage_ != Stage::kFit; }
  bool held() const { return held_; }              // by an operator
  const std::string& why() const { return why_; }  // it is in quarantine, or was
  // For people: "ready", "quarantined: 3 failures in 10 minutes, proving 1 of 3".
  std::string Text() const;

  // A loss that was the board's or its agent's doing. `why`: one line. The third within the window
  // puts the board into quarantine.
  void Fail(FarmTime now, const std::string& why);
  // An operator's orders. A released board is to prove itself first as well.
  void Quarantine(const std::string& why);
  void Release();
  // As after a restart of the tracker, for a board that was in quarantine by itself: from the
  // start.
  void Resume(const std::string& why);

  // The next thing to do, once for each time it is to be done; nullopt: nothing, or not yet.
  std::optional<Remedy> Next(FarmTime now);
  // When a resting board is to be tried again.
  std::optional<FarmTime> rest_until() const {
    if (stage_ != Stage::kResting || held_) return std::nullopt;
    return rest_until_;
  }
  // How the remedy that Next() gave last ended. One that never answers is a failed one: the caller
  // says so when it gives up on it (the agent was lost).
  void Answer(bool good, FarmTime now);

 private:
  enum class Stage { kFit, kReset, kPowerCycle, kProve, kResting };
  void Begin(Stage stage);

  Stage stage_ = Stage::kFit;
  bool waiting_ = false;       // for the answer to a remedy
  bool power_cycled_ = false;  // in this quarantine, since it last rested
  bool held_ = false;          // by an operator: nothing is tried
  int proofs_ = 0;
  FarmTime rest_until_{};
  FarmDuration next_rest_ = kFirstRetry;
  std::deque<FarmTime> failures_;
  std::string why_;
};

}  // namespace halyard
