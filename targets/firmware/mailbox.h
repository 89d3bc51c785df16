// What the host and the firmware of a board say to each other: a struct in the board's RAM, at the
// symbol `halyard_mailbox`, which the host writes and reads through a debugger while the core is
// halted. All fields are 32-bit words in the order declared, so both sides lay it out alike.
#pragma once

#include <stdint.h>  // not <cstdint>: firmware is compiled without a C++ library

namespace halyard {

inline constexpr uint32_t kMailboxVersion = 1;
inline constexpr int kMailboxTensors = 10;
inline constexpr int kMailboxRank = 8;
inline constexpr int kMailboxRuns = 64;
inline constexpr int kMailboxMpuRegions = 8;
// Words on both sides of each tensor that nobody is to write, and what they hold.
inline constexpr uint32_t kMailboxGuardWords = 16;
inline constexpr uint32_t kMailboxCanary = 0xC5C5C5C5u;
// Quiet bit clear: arithmetic on it gives a quiet NaN, so where it is found nothing was stored.
inline constexpr uint32_t kMailboxPoison = 0x7fa5a5a5u;

struct MailboxTensor {
  uint32_t data;  // address; the guards lie around it
  uint32_t elements;
  uint32_t rank;
  uint32_t extents[kMailboxRank];  // outermost first
};

struct MailboxFault {
  uint32_t exception;  // number as in IPSR: 3 HardFault, 4 MemManage, 5 BusFault, 6 UsageFault, ...
  uint32_t cfsr, hfsr, mmfar, bfar;
  uint32_t sp;       // of what was interrupted
  uint32_t stacked;  // whether what follows could be read
  uint32_t r0, r1, r2, r3, r12, lr, pc, psr;
};

enum MailboxState : uint32_t {
  kMailboxWaiting = 0,  // the host wrote a job
  kMailboxRan = 1,
  kMailboxFaulted = 2,
  kMailboxRefused = 3,  // version
};

struct MailboxMpuRegion {
  uint32_t base, attributes;  // RBAR and RASR of an Armv7-M MPU, RBAR and RLAR of an Armv8-M one
};

struct Mailbox {
  // The job.
  uint32_t version;
  uint32_t kernel;          // `<symbol>_argv`, bit 0 set
  uint32_t prepare;         // the same of what is called once ahead, or 0
  uint32_t prepared_input;  // the input it reads
  uint32_t inputs;          // tensors: these, the output, and with `prepare` what it writes
  uint32_t seed_low, seed_high;
  uint32_t runs;       // after the first, checked one; each is timed
  uint32_t dwt_clock;  // 1: DWT CYCCNT if it counts; else SysTick
  uint32_t workspace, workspace_bytes;
  uint32_t stack_low, stack_high;
  uint32_t mpu_regions;
  MailboxMpuRegion mpu[kMailboxMpuRegions];
  MailboxTensor tensors[kMailboxTensors];
  // The answer.
  uint32_t state;
  int32_t kernel_error;
  uint32_t inputs_intact;
  uint32_t clock_used;  // 1: DWT, 2: SysTick
  // Ticks of the clock of each run, the checked one first, without what calling costs.
  uint32_t ticks[kMailboxRuns + 1][2];  // low, high
  MailboxFault fault;
};

}  // namespace halyard
