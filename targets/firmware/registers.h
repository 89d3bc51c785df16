// System registers of Armv7-M and Armv8-M cores (Armv7-M ARM, B3.2 to B3.5 and C1.8; the Armv8-M
// ARM has them at the same addresses).
#pragma once

#include <stdint.h>

namespace halyard {

enum : uint32_t {
  kSysTickControl = 0xE000E010,
  kSysTickReload = 0xE000E014,
  kSysTickValue = 0xE000E018,
  kVectorTable = 0xE000ED08,
  kConfigurationControl = 0xE000ED14,
  kHandlerControl = 0xE000ED24,
  kConfigurableFaults = 0xE000ED28,
  kHardFaults = 0xE000ED2C,
  kMemManageAddress = 0xE000ED34,
  kBusFaultAddress = 0xE000ED38,
  kCoprocessorAccess = 0xE000ED88,
  kMpuControl = 0xE000ED94,
  kMpuNumber = 0xE000ED98,
  kMpuBase = 0xE000ED9C,
  kMpuAttributes = 0xE000EDA0,   // RASR, or RLAR
  kMpuMemoryTypes = 0xE000EDC0,  // MAIR0, Armv8-M only
  kDebugMonitorControl = 0xE000EDFC,
  kDwtControl = 0xE0001000,
  kDwtCycles = 0xE0001004,
  kDwtLock = 0xE0001FB0,
};

template <uint32_t kAddress>
volatile uint32_t& Register() {
  return *reinterpret_cast<volatile uint32_t*>(kAddress);
}

}  // namespace halyard
