// What a device is: everything a search needs to know about one kind of board before it has
// measured anything on it. Read from targets/devices/<id>.json; `host` is completed by detection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "targets/board_address.h"
#include "targets/cycle_model.h"
#include "targets/firmware_target.h"

namespace halyard {

struct CacheLevel {
  int64_t bytes = 0;
  int64_t line_bytes = 64;
  // Cores that share one instance of this cache.
  int shared_by_cores = 1;
};

// Cores of one kind in a device of several.
struct CoreCluster {
  std::string cpu;
  int cores = 1;
  double clock_ghz = 0;
  double fma_per_cycle = 1;  // as of a device
  std::vector<CacheLevel> caches;
  std::string core;  // its file in devices/cores, where there is a virtual board
};

struct Device {
  std::string id;
  std::string description;
  // Halide target without runtime flags, e.g. "arm-64-linux" or "x86-64-linux-avx2-fma-...".
  std::string halide_target;
  // What the board's objects are for: "x86_64-linux-gnu", "aarch64-linux-gnu",
  // "aarch64-linux-android", or LLVM's triplet of a device without an operating system, such as
  // "thumbv7em-none-eabihf".
  std::string triplet;
  // GNU triplet of the board runner and of the C compiler: `triplet` itself where there are such
  // tools, else that of the tools whose code runs on the board too.
  std::string toolchain;
  std::string cpu;  // core model, for people and records
  int cores = 1;
  // Fastest first. Empty: all cores are alike. Where they are not, `cpu` names all of them, and
  // fma_per_cycle and clock_ghz, whose cycles a virtual board counts, are the first cluster's.
  std::vector<CoreCluster> clusters;
  int vector_bytes = 16;      // widest SIMD register
  int vector_registers = 32;  // architectural SIMD registers of that width
  double fma_per_cycle = 1;   // vector FMAs per cycle and core
  double clock_ghz = 0;       // 0: not known (host: peak is measured instead)
  double copy_gb_per_s = 0;   // 0: not known (host: measured)
  int64_t memory_bytes = 0;
  int64_t stack_bytes = 0;         // usable by one kernel thread
  std::vector<CacheLevel> caches;  // L1D first; none where memory answers in a cycle
  BoardAddress board;              // where its board is reached
  VirtualBoard virtual_board;      // of a device that has one
  // All that its cycles follow from, as JSON on one line; empty: the device has no virtual board.
  std::string virtual_board_text;
  // Of a device without an operating system; it has one core.
  std::optional<FirmwareTarget> firmware;
  // What LoadDevice made it from, so that another process can load the same.
  std::string loaded_from;

  BoardKind board_kind() const { return board.kind(); }
  // Without an operating system there are no threads and no heap; the triplet says "none".
  bool has_os() const { return triplet.find("-none-") == std::string::npos; }

  // What a task's working set is to fit: the second cache, or the last there is, or the memory.
  int64_t level2_bytes() const {
    return caches.empty() ? memory_bytes : caches[caches.size() > 1 ? 1 : 0].bytes;
  }
  int64_t last_level_bytes() const { return caches.empty() ? memory_bytes : caches.back().bytes; }

  int lanes_f32() const { return vector_bytes / 4; }
  // f32 FLOP of all cores in a cycle of `clock_ghz`: 2 per lane and FMA.
  double peak_flop_per_cycle() const;
};

// Ids that have a device file, sorted.
std::vector<std::string> DeviceIds();

// True for what names a file rather than an id: "./my-board.json", "my-board.json".
bool IsDevicePath(const std::string& name);

// Reads a device file by id or path; for `host` fills in what detection finds (cores, caches, ISA).
// Behind a blank may follow the address of a board, which then takes the place of the file's:
// "rpi4 ssh:pi@pi4.lan".
// NotFound: names the id and lists the known ones. InvalidArgument: names file and field.
absl::StatusOr<Device> LoadDevice(const std::string& name);

// The same with the address apart, as --board gives it; empty: the file's.
absl::StatusOr<Device> LoadDevice(const std::string& id_or_path, const std::string& board);

// Where installed data (device files, board runners, the plugin) lies: next to the build.
std::string DataPath(const std::string& relative);

}  // namespace halyard
