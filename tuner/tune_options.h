// What a search is asked to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace halyard {

struct TuneOptions {
  int trials = 256;                    // of this task in the log, those of earlier runs included
  std::optional<double> time_seconds;  // wall time of the whole command
  std::string strategy = "sa";
  uint64_t seed = 1;
  std::string log_path = "tuned.db";
  std::string out_dir = "out";
  std::string peer;   // "adams2019" or "none"
  std::string model;  // a base model's file, "none", or "": the shipped one if there is one
  bool json = false;
};

}  // namespace halyard
