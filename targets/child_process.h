// Child processes with a deadline and limits, killed as a whole process group.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace halyard {

struct ChildLimits {
  std::chrono::milliseconds deadline{10'000};
  int64_t memory_bytes = 0;         // RLIMIT_AS, 0: none
  int64_t output_bytes = 64 << 20;  // more than this on stdout is an error
  // No address-space randomisation and an empty environment: repeatable counting.
  bool fixed_addresses = false;
  // The child's stdin stays open behind the input, so that it can tell that this process is gone by
  // its end.
  bool keep_input_open = false;
  // A descriptor by whose end of file somebody else says that the child is wanted no more; what is
  // read from it is dropped. -1: none.
  int watched_fd = -1;
  // Descriptors of this process by the numbers they have in the child, 3 or more; it has no other
  // but 0, 1 and 2.
  std::map<int, int> inherited;
  int64_t file_bytes = 0;  // RLIMIT_FSIZE, 0: none
};

struct ChildResult {
  bool started = false;
  bool timed_out = false;
  bool abandoned = false;  // killed because watched_fd ended
  int exit_code = -1;      // -1 where a signal ended it
  int signal = 0;
  std::string out;  // stdout
  std::string err;  // last 4 KiB of stderr
};

// Kills `pid`, a child of this process that is not yet reaped, and with `group` its process group;
// returns when what was started below it is dead too, half a second later at most: with them dies a
// sandbox's process namespace.
void KillTree(pid_t pid, bool group);

// Where PATH has `name`; `name` itself where that has a slash or PATH does not have it.
std::string FindProgram(const std::string& name);

// Runs argv[0] (searched on PATH) with `input` on its stdin. Its process group dies with it, at the
// deadline, or when this process dies; none of it gets more processor time than that allows.
// Thread-safe.
ChildResult RunChild(const std::vector<std::string>& argv, const std::string& input,
                     const ChildLimits& limits);

}  // namespace halyard
