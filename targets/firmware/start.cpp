// From reset to RunJob(), and the exceptions.
#include <stdint.h>

#include "targets/firmware/clock.h"
#include "targets/firmware/registers.h"
#include "targets/firmware/run_job.h"

// Of the linker script.
extern "C" {
extern uint32_t halyard_bss_begin[], halyard_bss_end[], halyard_handler_stack_top[];
extern uint32_t halyard_kernel_bss_begin[], halyard_kernel_bss_end[];
}

using halyard::Register;

extern "C" {

void halyard_reset();
void halyard_fault();
void halyard_supervisor_call();
void halyard_systick() { halyard::CountClockWrap(); }

// The first sixteen exceptions; no others are enabled.
[[gnu::section(".vectors"), gnu::used]] const void* const halyard_vectors[16] = {
    halyard_handler_stack_top,
    reinterpret_cast<const void*>(halyard_reset),
    reinterpret_cast<const void*>(halyard_fault),  // NMI
    reinterpret_cast<const void*>(halyard_fault),  // HardFault
    reinterpret_cast<const void*>(halyard_fault),  // MemManage
    reinterpret_cast<const void*>(halyard_fault),  // BusFault
    reinterpret_cast<const void*>(halyard_fault),  // UsageFault
    reinterpret_cast<const void*>(halyard_fault),  // SecureFault
    nullptr,
    nullptr,
    nullptr,
    reinterpret_cast<const void*>(halyard_supervisor_call),
    reinterpret_cast<const void*>(halyard_fault),  // DebugMonitor
    nullptr,
    reinterpret_cast<const void*>(halyard_fault),  // PendSV
    reinterpret_cast<const void*>(halyard_systick),
};

// The debugger starts here, with whatever stack pointer there was.
[[gnu::naked]] void halyard_reset() {
  asm volatile(
      "cpsid i\n"
      "movs r0, #0\n"
      "msr control, r0\n"
      "isb\n"
      "ldr r0, =halyard_handler_stack_top\n"
      "msr msp, r0\n"
      "cpsie i\n"
      "b halyard_start\n");
}

[[noreturn, gnu::used]] void halyard_start() {
  Register<halyard::kVectorTable>() = reinterpret_cast<uintptr_t>(halyard_vectors);
  // What has a value to begin with was written by the debugger.
  for (uint32_t* to = halyard_bss_begin; to != halyard_bss_end;) *to++ = 0;
  for (uint32_t* to = halyard_kernel_bss_begin; to != halyard_kernel_bss_end;) *to++ = 0;
  Register<halyard::kCoprocessorAccess>() |= 0xfu << 20;  // the FPU
  // Integer division by zero and every unaligned access are faults: a kernel of floats has neither.
  Register<halyard::kConfigurationControl>() |= 1u << 4 | 1u << 3;
  Register<halyard::kHandlerControl>() |= 0xfu << 16;  // each kind of fault has its own exception
  Register<halyard::kConfigurableFaults>() = ~0u;      // ones clear
  Register<halyard::kHardFaults>() = ~0u;
  asm volatile("dsb\n isb" ::: "memory");
  halyard::RunJob();
}

// The frame lies on the stack that EXC_RETURN tells of (Armv7-M ARM, B1.5.8). The handlers' own
// stack begins anew: what was interrupted is not returned to.
[[gnu::naked]] void halyard_fault() {
  asm volatile(
      "tst lr, #4\n"
      "ite eq\n"
      "mrseq r0, msp\n"
      "mrsne r0, psp\n"
      "mrs r1, ipsr\n"
      "ldr r2, =halyard_handler_stack_top\n"
      "msr msp, r2\n"
      "b halyard_record_fault\n");
}

// What ran unprivileged asks for privilege back.
[[gnu::naked]] void halyard_supervisor_call() {
  asm volatile(
      "mrs r0, control\n"
      "bic r0, r0, #1\n"
      "msr control, r0\n"
      "isb\n"
      "bx lr\n");
}
}
