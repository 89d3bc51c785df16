// The parameters of the cycle model: what a device file and its core files say, as the counting
// plugin reads it.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace halyard {

// How a class of instructions goes through a core.
struct ClassTiming {
  double latency = 1;     // cycles from issue until its result can be read
  double accumulate = 0;  // the same where an instruction of the class adds to it; 0: no shorter
  int uops = 1;
  int quad_uops = 0;  // of FP on a full-width register; 0: as many
  double busy = 1;    // cycles that a pipe is taken by one
  std::string pipes;  // each micro-op goes to one of these, "V0 V1"; none: it takes no pipe
  std::string also;   // and, beside it, to one of these
};

struct CoreModel {
  std::string name;
  bool in_order = false;
  double dispatch_width = 0;        // micro-ops a cycle
  bool whole_instructions = false;  // instructions a cycle, however many micro-ops they are
  int window = 0;                   // micro-ops in flight; of an in-order core, those past issue
  std::string pipes;                // all of them, "B I0 I1 M L S V0 V1"
  std::map<std::string, ClassTiming> classes;
  int tlb_entries = 0;     // of its last level, pages of 4 KiB
  double walk_cycles = 0;  // of a page-table walk
};

// A level of cache as one core sees it.
struct CacheModel {
  int64_t bytes = 0;
  int64_t line_bytes = 64;
  int shared_by_cores = 1;
  int ways = 0;
  double latency = 0;          // cycles of a hit, from the address on
  double bytes_per_cycle = 0;  // from this level towards the core
};

// Cores of one kind.
struct ClusterModel {
  int cores = 1;
  double clock_ghz = 0;
  CoreModel core;
  std::vector<CacheModel> caches;  // first level first
};

struct BoardModel {
  std::vector<ClusterModel> clusters;
  double memory_latency_ns = 0;
  double memory_gb_per_s = 0;       // that all cores share
  double memory_core_gb_per_s = 0;  // that one core alone can draw
};

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ClassTiming, latency, accumulate, uops, quad_uops, busy, pipes,
                                   also)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CoreModel, name, in_order, dispatch_width, whole_instructions,
                                   window, pipes, classes, tlb_entries, walk_cycles)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CacheModel, bytes, line_bytes, shared_by_cores, ways, latency,
                                   bytes_per_cycle)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ClusterModel, cores, clock_ghz, core, caches)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(BoardModel, clusters, memory_latency_ns, memory_gb_per_s,
                                   memory_core_gb_per_s)

}  // namespace halyard
