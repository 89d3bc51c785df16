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
// At first as long as a board takes to boot: reset and power cycle may be over within milliseconds,
// and one that was merely away for some seconds is not to be missing for much longer.
inline constexpr FarmDuration kFirstRetry{60'000};
inline constexpr FarmDuration kLongestRetry{7'200'000};
// A proof that takes its agent away with it, as often in a row, has failed.
inline constexpr int kInterruptionsToFail = 3;

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
  // How the remedy that Next() gave last ended.
  void Answer(bool good, FarmTime now);
  // Nobody will say any more how it ended: the agent was lost, or came back. Of a proof this says
  // nothing of the board, and it is given again. A reset or power cycle may have been made, and is
  // not: it may be what took the agent away. The proof after it judges it.
  void Interrupt(FarmTime now);

 private:
  enum class Stage { kFit, kReset, kPowerCycle, kProve, kResting };
  void Begin(Stage stage);
  void ProofFailed(FarmTime now);

  Stage stage_ = Stage::kFit;
  Stage if_unproved_ = Stage::kPowerCycle;  // what follows a proof that failed
  bool waiting_ = false;                    // for the answer to a remedy
  bool held_ = false;                       // by an operator: nothing is tried
  int proofs_ = 0;
  int interruptions_ = 0;  // of proofs, since the last answer to one
  FarmTime rest_until_{};
  FarmDuration next_rest_ = kFirstRetry;
  std::deque<FarmTime> failures_;
  std::string why_;
};

}  // namespace halyard
