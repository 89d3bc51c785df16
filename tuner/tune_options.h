// What a search is asked to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace halyard {

// By evidence (tune replay --stops): of 84 searches of seven recorded spaces, 512 trials each, half
// stop by trial 241 with it. The median loses nothing of the full search's best, the mean 0.4 %,
// nine in ten less than 1.2 %, the worst 6.5 %; of 42 searches of seven others, to which nothing
// was fitted, the mean loses 0.06 % and the worst 0.8. At 0.5 % they stop by trial 193 and 177, and
// the worst lose 8.8 and 2.8 %.
inline constexpr double kDefaultStopGain = 0.003;

struct TuneOptions {
  int trials = 256;                    // of this task in the log, those of earlier runs included
  std::optional<double> time_seconds;  // wall time of the whole command
  // Ends the search when the next trials are expected to bring less than this share of the best
  // time (SearchLimits::stop_gain); 0: never for that.
  double stop_gain = kDefaultStopGain;
  std::string strategy = "sa";
  uint64_t seed = 1;
  std::string log_path = "tuned.db";
  std::string out_dir = "out";
  std::string peer;   // "adams2019" or "none"
  std::string model;  // a base model's file, "none", or "": the shipped one if there is one
  bool json = false;
};

}  // namespace halyard
