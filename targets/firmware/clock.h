// The board's clock: ticks since some moment, 64 bits.
#pragma once

#include <stdint.h>

namespace halyard {

// Starts DWT CYCCNT where `prefer_dwt` and it counts, else SysTick. 1: DWT, 2: SysTick.
uint32_t StartClock(bool prefer_dwt);
uint64_t ReadClock();
// Called by SysTick's interrupt.
void CountClockWrap();

}  // namespace halyard
