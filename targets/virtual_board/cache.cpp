#include "targets/virtual_board/cache.h"

#include <algorithm>

namespace halyard {

Cache::Cache(int64_t lines, int ways)
    : sets_(static_cast<uint64_t>(std::max<int64_t>(1, lines / std::max(1, ways)))),
      mask_((sets_ & (sets_ - 1)) == 0 ? sets_ - 1 : 0),
      ways_(static_cast<size_t>(std::max(1, ways))),
      ways_of_sets_(sets_ * ways_) {}

Cache::Way* Cache::SetOf(uint64_t line) {
  const uint64_t set = mask_ != 0 || sets_ == 1 ? line & mask_ : line % sets_;
  return &ways_of_sets_[set * ways_];
}

bool Cache::Touch(uint64_t line, bool write) {
  Way* set = SetOf(line);
  for (size_t w = 0; w < ways_; ++w) {
    if (set[w].line != line) continue;
    const Way found{line, set[w].dirty || write};
    for (; w > 0; --w) set[w] = set[w - 1];
    set[0] = found;
    return true;
  }
  return false;
}

uint64_t Cache::Insert(uint64_t line, bool dirty) {
  Way* set = SetOf(line);
  const Way gone = set[ways_ - 1];
  for (size_t w = ways_ - 1; w > 0; --w) set[w] = set[w - 1];
  set[0] = {line, dirty};
  return gone.line != kNone && gone.dirty ? gone.line : kNone;
}

void Cache::Clear() { std::fill(ways_of_sets_.begin(), ways_of_sets_.end(), Way{}); }

}  // namespace halyard
