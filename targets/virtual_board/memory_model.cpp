#include "targets/virtual_board/memory_model.h"

#include <algorithm>
#include <cmath>

namespace halyard {
namespace {

constexpr double kUnits = 65536;
// Lines on their way that a core waits for none of: its miss buffers, about as many on all of the
// cores here.
constexpr uint64_t kLinesUnderWay = 8;
uint64_t Units(double cycles) { return static_cast<uint64_t>(std::llround(cycles * kUnits)); }

}  // namespace

MemoryModel::MemoryModel(const BoardModel& board) {
  const auto make = [&](int64_t lines, int ways) {
    caches_.push_back(std::make_unique<Cache>(lines, ways));
    return caches_.back().get();
  };
  // [level]: the cache that is being shared out, the cores it still serves, and its size.
  struct Shared {
    Cache* cache = nullptr;
    int left = 0;
    int64_t bytes = 0;
  };
  std::vector<Shared> shared;
  int index = 0;
  for (const ClusterModel& cluster : board.clusters) {
    for (int c = 0; c < cluster.cores; ++c, ++index) {
      OneCore core;
      core.cluster = static_cast<int>(&cluster - board.clusters.data());
      core.in_order = cluster.core.in_order;
      core.tlb = cluster.core.tlb_entries > 0 ? make(cluster.core.tlb_entries, 4) : nullptr;
      core.walk = Units(cluster.core.walk_cycles);
      core.hidden = Units(cluster.core.in_order
                              ? 0
                              : cluster.core.window / std::max(1.0, cluster.core.dispatch_width));
      shared.resize(std::max(shared.size(), cluster.caches.size()));
      for (size_t l = 0; l < cluster.caches.size(); ++l) {
        const CacheModel& m = cluster.caches[l];
        Shared& s = shared[l];
        if (s.left == 0 || m.shared_by_cores == 1 || s.bytes != m.bytes) {
          s = {make(m.bytes / static_cast<int64_t>(kLine), m.ways), m.shared_by_cores, m.bytes};
        }
        --s.left;
        core.levels.push_back(
            {s.cache, Units(m.latency), Units(static_cast<double>(kLine) / m.bytes_per_cycle)});
      }
      const double ns_per_line = static_cast<double>(kLine) / board.memory_core_gb_per_s;
      core.levels.push_back({nullptr, Units(board.memory_latency_ns * cluster.clock_ghz),
                             Units(ns_per_line * cluster.clock_ghz)});
      cores_.push_back(std::move(core));
    }
  }
}

void MemoryModel::Reset() {
  for (auto& cache : caches_) cache->Clear();
  for (OneCore& core : cores_) {
    core.stalled = core.shadow_until = 0;
    for (Level& level : core.levels) level.busy_until = 0;
  }
  translations_.fill({});
  pages_.clear();
  core_ = 0;
  memory_lines_ = 0;
}

void MemoryModel::SetCore(int core) { core_ = core % cores(); }

void MemoryModel::Warm(uint64_t address) {
  const uint64_t line = Place(address / kLine);
  for (OneCore& core : cores_) {
    if (core.tlb != nullptr && !core.tlb->Touch(line / kLinesPerPage, false)) {
      core.tlb->Insert(line / kLinesPerPage, false);
    }
    for (Level& level : core.levels) {
      if (level.cache != nullptr && !level.cache->Touch(line, false)) {
        level.cache->Insert(line, false);
      }
    }
  }
}

uint64_t MemoryModel::Lines(const AccessSite& site, uint64_t first, uint64_t last, bool store,
                            uint64_t now) {
  OneCore& core = cores_[static_cast<size_t>(core_)];
  uint64_t stall = 0;
  for (uint64_t at = first; at <= last; ++at) {
    const uint64_t line = Place(at);
    if (core.levels[0].cache->Touch(line, store)) continue;
    stall += Line(core, site, line, store, now + stall);
  }
  return stall;
}

uint64_t MemoryModel::Move(OneCore& core, size_t from, uint64_t now) {
  Level& level = core.levels[from];
  level.busy_until = std::max(level.busy_until, now) + level.units_per_line;
  if (level.cache == nullptr) ++memory_lines_;
  return level.busy_until - now;
}

uint64_t MemoryModel::Line(OneCore& core, const AccessSite& site, uint64_t line, bool store,
                           uint64_t now) {
  now += core.stalled;
  // Levels where it is not; it is found at `at`.
  size_t at = 1;
  while (core.levels[at].cache != nullptr && !core.levels[at].cache->Touch(line, false)) ++at;
  uint64_t behind = 0;
  for (size_t from = at; from > 0; --from) {
    const uint64_t queue = Move(core, from, now);
    const uint64_t slack = kLinesUnderWay * core.levels[from].units_per_line;
    behind = std::max(behind, queue > slack ? queue - slack : 0);
    const uint64_t evicted = core.levels[from - 1].cache->Insert(line, store && from == 1);
    if (evicted == Cache::kNone) continue;
    // Written back: to the next level, or past it where it is no longer there.
    size_t to = from;
    while (core.levels[to].cache != nullptr && !core.levels[to].cache->Touch(evicted, true)) ++to;
    Move(core, to, now);
  }
  uint64_t latency = 0;
  const bool fetched = site.fetched || store;  // ahead of time, or nobody waits
  if (core.tlb != nullptr && !core.tlb->Touch(line / kLinesPerPage, false)) {
    core.tlb->Insert(line / kLinesPerPage, false);
    latency += core.walk;
  }
  if (!fetched) latency += core.levels[at].latency;
  // Misses in the shadow of an earlier one are served beside it.
  uint64_t stall = behind;
  if (latency > core.hidden && now >= core.shadow_until) {
    stall = std::max(stall, latency - core.hidden);
    core.shadow_until = now + stall + core.hidden;
  }
  core.stalled += stall;
  return stall;
}

}  // namespace halyard
