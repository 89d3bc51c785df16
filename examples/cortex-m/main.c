/* A GEMM from the library tuned for a Cortex-M, checked, on an emulated board with no operating
 * system; cortex-m7 here.
 *
 *   ./tune --op gemm --shape 32x32x32 --device cortex-m7          # writes out/cortex-m7
 *   arm-none-eabi-gcc -mcpu=cortex-m7 -mthumb -mfloat-abi=hard -mfpu=auto -O2 -nostartfiles \
 *       -DHEADER='"tuned_cortex_m7.h"' -DNAME=tuned_cortex_m7 -DPREFIX=TUNED_CORTEX_M7 \
 *       -T examples/cortex-m/mps2.ld examples/cortex-m/main.c \
 *       -I out/cortex-m7 -L out/cortex-m7 -ltuned_cortex_m7 -o example.elf
 *   qemu-system-arm -M mps2-an500 -nographic -semihosting -kernel example.elf
 */
#include HEADER

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

enum { N = 32 };
static float a[N * N], b[N * N], c[N * N];
/* At least one byte: a workspace may be none. */
static uint8_t workspace[JOIN(PREFIX, _WORKSPACE_BYTES) + 16] __attribute__((aligned(16)));

/* Semihosting: a debugger, or here the emulator, does what is asked for. */
static int ask_host(int what, const void* argument) {
  register int r0 __asm__("r0") = what;
  register const void* r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

static void print(const char* text) { ask_host(0x04, text); }

_Noreturn static void leave(int status) {
  const uint32_t reason[2] = {0x20026, (uint32_t)status}; /* an application's exit, with its code */
  ask_host(0x20, reason);
  for (;;) {
  }
}

static float number(uint32_t i) { return (float)((i * 2654435761u) >> 20) / 2048.0f - 1.0f; }

_Noreturn static void run(void) {
  *(volatile uint32_t*)0xE000ED88 |= 0xfu << 20; /* the FPU */
  __asm__ volatile("dsb\n isb");
  for (uint32_t i = 0; i < N * N; i++) a[i] = number(i), b[i] = number(i + 12345);

  const int status = JOIN(NAME, _gemm)(N, N, N, a, b, c, workspace, sizeof workspace);
  if (status != JOIN(PREFIX, _OK)) {
    print(JOIN(NAME, _error_text)(status));
    print("\n");
    leave(1);
  }
  for (int i = 0; i < N; i++) {
    for (int j = 0; j < N; j++) {
      float sum = 0;
      for (int k = 0; k < N; k++) sum += a[i * N + k] * b[k * N + j];
      const float error = c[i * N + j] - sum;
      if (!(error < 1e-4f && error > -1e-4f)) {
        print("gemm 32x32x32: WRONG\n");
        leave(1);
      }
    }
  }
  if (JOIN(NAME, _gemm)(N, N, N + 1, a, b, c, workspace, sizeof workspace) !=
      JOIN(PREFIX, _NOT_TUNED)) {
    print("a shape never tuned was not refused\n");
    leave(1);
  }
  print("gemm 32x32x32: right\n");
  leave(0);
}

extern uint32_t stack_top[];

static void fault(void) {
  print("a fault\n");
  leave(2);
}

__attribute__((section(".vectors"), used)) void (*const vectors[])(void) = {
    (void (*)(void))stack_top, run, fault, fault, fault, fault, fault, fault};
