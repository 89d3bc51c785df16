// A device without an operating system: its memories, how code for it is made, and the emulator
// that is its virtual board.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "targets/json_fields.h"

namespace halyard {

enum class MemoryKind {
  kFlash,  // code and constants; written by a flash loader
  kRam,    // anything
  kData,   // RAM that code does not run from
};

// A range of addresses firmware may be linked to.
struct MemoryRegion {
  std::string name;  // "flash", "sram1"
  MemoryKind kind = MemoryKind::kRam;
  uint32_t origin = 0;
  uint32_t bytes = 0;

  uint64_t end() const { return uint64_t{origin} + bytes; }
};

enum class ClockSource {
  kDwt,      // DWT CYCCNT, where the core has one (Armv7-M ARM, C1.8)
  kSysTick,  // counts down at the core's clock; wraps are counted by its interrupt
};

// What the instructions of an emulated core cost. A basic block costs the largest, over the ports
// and the front end, of the cycles its instructions keep that busy.
struct InstructionCosts {
  double issue_width = 0;  // instructions a cycle, front end; 0: there are no costs
  // Cycles of each register after the first that one instruction loads or stores.
  double per_register = 0;
  std::map<std::string, std::map<std::string, double>> ports;  // port -> class -> cycles
};

// qemu-system-arm in place of the board. With -icount every instruction takes 2^icount_shift ns, so
// its clock counts instructions; a plugin counts cycles where `costs` says what they are.
struct FirmwareEmulator {
  std::string machine;  // -M
  int icount_shift = 0;
  int64_t clock_hz = 0;              // of the machine's SysTick
  std::vector<MemoryRegion> memory;  // where the machine has it, as large as the device's
  InstructionCosts costs;
};

struct FirmwareTarget {
  std::string llc_cpu;  // -mcpu of llc-14
  ClockSource clock = ClockSource::kDwt;
  std::vector<MemoryRegion> memory;
  FirmwareEmulator emulator;  // of a device that has one: machine is not empty
};

// Reads the object `firmware` of a device file. Every region is of at least a KiB, none overlaps
// another, code runs from one at least, and one at least is RAM: on the device and in the emulator.
absl::Status ReadFirmwareTarget(JsonFields fields, FirmwareTarget* target);

}  // namespace halyard
