// The caches, the TLB and the memory behind the cores of a virtual board, and the cycles that a
// core stands still for them beyond what its blocks cost with caches that always hit.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "targets/virtual_board/board_model.h"
#include "targets/virtual_board/cache.h"

namespace halyard {

// What is kept for each load or store of the program: a stride prefetcher's entry, tagged by the
// instruction (Chen and Baer, "Effective hardware-based data prefetching for high-performance
// processors", IEEE Transactions on Computers 44(5), 1995).
struct AccessSite {
  uint64_t seen_line = ~uint64_t{0};  // with the core's number on top: nothing to do for it again
  uint64_t entered = 0;               // where it first touched that line
  int64_t stride = 0;
  uint8_t confidence = 0;  // 0 to 3; a stride is followed from 2 on
  bool fetched = false;    // the line it is at was where its stride leads
};

class MemoryModel {
 public:
  explicit MemoryModel(const BoardModel& board);

  // Nothing cached, no time passed.
  void Reset();
  // The core that the accesses are of, until told otherwise; cores are counted through the
  // clusters.
  void SetCore(int core);
  int core() const { return core_; }
  int cluster() const { return cores_[static_cast<size_t>(core_)].cluster; }
  int cores() const { return static_cast<int>(cores_.size()); }

  // An access at `now` (units of 1/65536 of the core's cycles, stalls left out): returns the units
  // that the core is held up.
  uint64_t Access(AccessSite* site, uint64_t address, unsigned bytes, bool store, uint64_t now) {
    const uint64_t tag = static_cast<uint64_t>(core_) << 56;
    const uint64_t first = address / kLine, last = (address + bytes - 1) / kLine;
    if ((first | tag) == site->seen_line && first == last) return 0;
    Follow(site, address);
    site->seen_line = last | tag;
    return Lines(*site, first, last, store, now);
  }
  // Puts a line into every cache that has room for it, in no time.
  void Warm(uint64_t address);

  uint64_t memory_lines() const { return memory_lines_; }  // read and written, of kLine bytes

  static constexpr uint64_t kLine = 64, kPage = 4096, kLinesPerPage = kPage / kLine;

 private:
  struct Level {
    Cache* cache;
    uint64_t latency;         // units, of a hit here
    uint64_t units_per_line;  // that a line takes on its way from here
    uint64_t busy_until = 0;  // of that way
  };
  struct OneCore {
    int cluster;
    std::vector<Level> levels;  // the last one is memory, without a cache
    Cache* tlb;
    uint64_t walk, hidden;  // units; `hidden`: a core works on for so long without a miss's data
    bool in_order;
    uint64_t stalled = 0, shadow_until = 0;
  };
  // An emulator may split a wide access, so strides are between the places where lines are entered.
  static void Follow(AccessSite* site, uint64_t address) {
    const auto step = static_cast<int64_t>(address - site->entered);
    site->entered = address;
    site->fetched = step == site->stride && site->confidence >= 2;
    if (step == site->stride) {
      site->confidence += site->confidence < 3 ? 1 : 0;
    } else if (site->confidence > 0) {
      --site->confidence;
    } else {
      site->stride = step;
      site->confidence = 1;
    }
  }
  // Where a line lies in memory that is given out a page at a time, in the order in which pages are
  // touched: so that a sum of cycles does not hang on where the program's mappings came to lie.
  uint64_t Place(uint64_t line) {
    const uint64_t page = line / kLinesPerPage;
    Translation& known = translations_[page % translations_.size()];
    if (known.page != page) known = {page, pages_.try_emplace(page, pages_.size()).first->second};
    return known.frame * kLinesPerPage + line % kLinesPerPage;
  }
  uint64_t Lines(const AccessSite& site, uint64_t first, uint64_t last, bool store, uint64_t now);
  uint64_t Line(OneCore& core, const AccessSite& site, uint64_t line, bool store, uint64_t now);
  // Moves a line from level `from`; the units that the way to there is behind.
  uint64_t Move(OneCore& core, size_t from, uint64_t now);

  struct Translation {
    uint64_t page = ~uint64_t{0}, frame = 0;
  };
  std::array<Translation, 1024> translations_;  // the latest of `pages_`
  std::unordered_map<uint64_t, uint64_t> pages_;
  std::vector<std::unique_ptr<Cache>> caches_;
  std::vector<OneCore> cores_;
  int core_ = 0;
  uint64_t memory_lines_ = 0;
};

}  // namespace halyard
