#include "targets/firmware/clock.h"

#include "targets/firmware/registers.h"

namespace halyard {
namespace {

constexpr uint32_t kReload = 0xffffff;  // SysTick has 24 bits

bool uses_dwt = false;
volatile uint32_t wraps = 0;
uint64_t dwt_total = 0;
uint32_t dwt_last = 0;

bool StartDwt() {
  Register<kDebugMonitorControl>() |= 1u << 24;  // TRCENA
  Register<kDwtLock>() = 0xC5ACCE55;             // a Cortex-M7 locks its DWT at reset
  Register<kDwtCycles>() = 0;
  Register<kDwtControl>() |= 1;  // CYCCNTENA
  const uint32_t before = Register<kDwtCycles>();
  for (int i = 0; i < 8; ++i) asm volatile("nop");
  return Register<kDwtCycles>() != before;
}

}  // namespace

uint32_t StartClock(bool prefer_dwt) {
  uses_dwt = prefer_dwt && StartDwt();
  if (uses_dwt) return 1;
  Register<kSysTickReload>() = kReload;
  Register<kSysTickValue>() = 0;
  Register<kSysTickControl>() = 7;  // the core's clock, with its interrupt, enabled
  return 2;
}

uint64_t ReadClock() {
  if (uses_dwt) {
    // Right where less than 2^32 cycles lie between two readings: 9 s at 480 MHz.
    const uint32_t now = Register<kDwtCycles>();
    dwt_total += now - dwt_last;
    dwt_last = now;
    return dwt_total;
  }
  uint32_t counted, value;
  do {
    counted = wraps;
    value = Register<kSysTickValue>();
  } while (counted != wraps);
  return uint64_t{counted} * (kReload + 1) + (kReload - value);
}

void CountClockWrap() { wraps = wraps + 1; }

}  // namespace halyard
