// What a device is: everything a search needs to know about one kind of board before it has
// measured anything on it. Read from targets/devices/<id>.json; `host` is completed by detection.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace halyard {

struct CacheLevel {
  int64_t bytes = 0;
  int64_t line_bytes = 64;
  // Cores that share one instance of this cache.
  int shared_by_cores = 1;
};

enum class BoardKind { kPhysical, kVirtual };
std::string_view BoardKindName(BoardKind kind);  // "physical" | "virtual"

// Issue model of a virtual board: a basic block costs the largest, over the ports and the front
// end, of (instructions of the classes the port serves) / (instructions per cycle it takes).
struct VirtualBoard {
  std::string qemu_cpu;                     // -cpu argument of qemu-aarch64
  double issue_width = 0;                   // instructions per cycle, front end
  std::map<std::string, double> per_cycle;  // instruction class -> instructions per cycle
};

struct Device {
  std::string id;
  std::string description;
  // Halide target without runtime flags, e.g. "arm-64-linux" or "x86-64-linux-avx2-fma-...".
  std::string halide_target;
  // GNU triplet of the board's objects, "x86_64-linux-gnu" or "aarch64-linux-gnu".
  std::string triplet;
  std::string cpu;  // core model, for people and records
  int cores = 1;
  int vector_bytes = 16;      // widest SIMD register
  int vector_registers = 32;  // architectural SIMD registers of that width
  double fma_per_cycle = 1;   // vector FMAs per cycle and core
  double clock_ghz = 0;       // 0: not known (host: peak is measured instead)
  double copy_gb_per_s = 0;   // 0: not known (host: measured)
  int64_t memory_bytes = 0;
  int64_t stack_bytes = 0;         // usable by one kernel thread
  std::vector<CacheLevel> caches;  // L1D first
  BoardKind board_kind = BoardKind::kPhysical;
  VirtualBoard virtual_board;  // meaningful where board_kind is kVirtual

  int lanes_f32() const { return vector_bytes / 4; }
  // f32 FLOP per cycle of all cores: 2 per lane and FMA.
  double peak_flop_per_cycle() const { return 2.0 * lanes_f32() * fma_per_cycle * cores; }
};

// Ids that have a device file, sorted.
std::vector<std::string> DeviceIds();

// Reads a device file by id; for `host` fills in what detection finds (cores, caches, ISA).
// NotFound: names the id and lists the known ones. InvalidArgument: names file and field.
absl::StatusOr<Device> LoadDevice(const std::string& id);

// Where installed data (device files, board runners, the plugin) lies: next to the build.
std::string DataPath(const std::string& relative);

}  // namespace halyard
