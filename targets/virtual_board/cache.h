// A set-associative cache with LRU replacement that keeps tags only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace halyard {

class Cache {
 public:
  static constexpr uint64_t kNone = ~uint64_t{0};

  // Sets: bytes / line_bytes / ways, rounded down to at least one. Any number of them will do.
  Cache(int64_t lines, int ways);

  // Whether `line` (an address divided by the line's size) is there; it is the newest of its set
  // then, and dirty where it is written to.
  bool Touch(uint64_t line, bool write);
  // Puts a line in that was not there; the line that had to go where it was dirty, else kNone.
  uint64_t Insert(uint64_t line, bool dirty);
  void Clear();

 private:
  struct Way {
    uint64_t line = kNone;
    bool dirty = false;
  };
  Way* SetOf(uint64_t line);

  uint64_t sets_, mask_;  // mask_: sets_ - 1 where that is a power of two, else 0
  size_t ways_;
  std::vector<Way> ways_of_sets_;  // newest first within a set
};

}  // namespace halyard
