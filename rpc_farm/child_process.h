// Child processes with a deadline and limits, killed as a whole process group.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace halyard {

struct ChildLimits {
  std::chrono::milliseconds deadline{10'000};
  int64_t memory_bytes = 0;         // RLIMIT_AS, 0: none
  int64_t output_bytes = 64 << 20;  // more than this on stdout is an error
  // No address-space randomisation and an empty environment: repeatable counting.
  bool fixed_addresses = false;
};

struct ChildResult {
  bool started = false;
  bool timed_out = false;
  int exit_code = -1;  // -1 where a signal ended it
  int signal = 0;
  std::string out;  // stdout
  std::string err;  // last 4 KiB of stderr
};

// Runs argv[0] (searched on PATH) with `input` on its stdin. Its process group dies with it, at the
// deadline, or when this process dies. Thread-safe.
ChildResult RunChild(const std::vector<std::string>& argv, const std::string& input,
                     const ChildLimits& limits);

}  // namespace halyard
