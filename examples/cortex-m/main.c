/* Kernels of a library tuned for a Cortex-M, checked, on an emulated board with no operating
 * system; cortex-m7 here.
 *
 *   ./tune --op gemm --shape 32x32x32 --device cortex-m7          # writes out/cortex-m7
 *   arm-none-eabi-gcc -mcpu=cortex-m7 -mthumb -mfloat-abi=hard -mfpu=auto -O2 -nostartfiles \
 *       -DHEADER='"tuned_cortex_m7.h"' -DNAME=tuned_cortex_m7 -DPREFIX=TUNED_CORTEX_M7 \
 *       -T examples/cortex-m/mps.ld examples/cortex-m/main.c \
 *       -I out/cortex-m7 -L out/cortex-m7 -ltuned_cortex_m7 -lm -o example.elf
 *   qemu-system-arm -M mps2-an500 -nographic -semihosting -kernel example.elf
 *
 * -DALL: conv2d 1x16x16x8x16x3x3,pad=1, softmax 1x256 and attention 2x32x16 as well. */
#include HEADER

#include <math.h>

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

static float a[4096], b[4096], c[4096], out[4096];
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

static int wrong; /* elements of `out` of the operator at hand */

static void expect(float got, float wanted) {
  const float error = got - wanted;
  wrong += !(error < 1e-4f && error > -1e-4f);
}

static void report(const char* what, int status) {
  print(what);
  if (status != JOIN(PREFIX, _OK)) {
    print(JOIN(NAME, _error_text)(status));
    print("\n");
    leave(1);
  }
  print(wrong == 0 ? "right\n" : "WRONG\n");
  if (wrong != 0) leave(1);
}

static void check_gemm(void) {
  enum { N = 32 };
  const int status = JOIN(NAME, _gemm)(N, N, N, a, b, out, workspace, sizeof workspace);
  for (int i = 0; i < N; i++) {
    for (int j = 0; j < N; j++) {
      float sum = 0;
      for (int k = 0; k < N; k++) sum += a[i * N + k] * b[k * N + j];
      expect(out[i * N + j], sum);
    }
  }
  report("gemm 32x32x32: ", status);
  if (JOIN(NAME, _gemm)(N, N, N + 1, a, b, out, workspace, sizeof workspace) !=
      JOIN(PREFIX, _NOT_TUNED)) {
    print("a shape never tuned was not refused\n");
    leave(1);
  }
}

#ifdef ALL
static void check_conv2d(void) {
  enum { H = 16, CI = 8, CO = 16, K = 3 };
  const int status = JOIN(NAME, _conv2d)(1, H, H, CI, CO, K, K, 1, 1, 1, 1, a, b, out, workspace,
                                         sizeof workspace);
  for (int y = 0; y < H; y++) {
    for (int x = 0; x < H; x++) {
      for (int o = 0; o < CO; o++) {
        float sum = 0;
        for (int t = 0; t < K * K * CI; t++) {
          const int row = y + t / (K * CI) - 1, column = x + t / CI % K - 1;
          if (row < 0 || row >= H || column < 0 || column >= H) continue;
          sum += a[(row * H + column) * CI + t % CI] * b[t * CO + o];
        }
        expect(out[(y * H + x) * CO + o], sum);
      }
    }
  }
  report("conv2d 1x16x16x8x16x3x3,pad=1: ", status);
}

/* softmax of `n` scores, in place. */
static void plain_softmax(float* scores, int n) {
  float largest = scores[0], sum = 0;
  for (int i = 1; i < n; i++) largest = fmaxf(largest, scores[i]);
  for (int i = 0; i < n; i++) sum += scores[i] = expf(scores[i] - largest);
  for (int i = 0; i < n; i++) scores[i] /= sum;
}

static void check_softmax(void) {
  enum { N = 256 };
  const int status = JOIN(NAME, _softmax)(1, N, a, out, workspace, sizeof workspace);
  float wanted[N];
  for (int i = 0; i < N; i++) wanted[i] = a[i];
  plain_softmax(wanted, N);
  for (int i = 0; i < N; i++) expect(out[i], wanted[i]);
  report("softmax 1x256: ", status);
}

static void check_attention(void) {
  enum { HEADS = 2, S = 32, D = 16 };
  const int status =
      JOIN(NAME, _attention)(HEADS, S, S, D, 0, a, b, c, out, workspace, sizeof workspace);
  for (int row = 0; row < HEADS * S; row++) {
    const int first = row / S * S; /* key of the row's head */
    float scores[S];
    for (int key = 0; key < S; key++) {
      scores[key] = 0;
      for (int d = 0; d < D; d++) scores[key] += a[row * D + d] * b[(first + key) * D + d];
      scores[key] /= sqrtf(D);
    }
    plain_softmax(scores, S);
    for (int d = 0; d < D; d++) {
      float mixed = 0;
      for (int key = 0; key < S; key++) mixed += scores[key] * c[(first + key) * D + d];
      expect(out[row * D + d], mixed);
    }
  }
  report("attention 2x32x16: ", status);
}
#endif

_Noreturn static void run(void) {
  *(volatile uint32_t*)0xE000ED88 |= 0xfu << 20; /* the FPU */
  __asm__ volatile("dsb\n isb");
  for (uint32_t i = 0; i < 4096; i++) {
    a[i] = number(i);
    b[i] = number(i + 12345);
    c[i] = number(i + 54321);
  }
  check_gemm();
#ifdef ALL
  check_conv2d();
  check_softmax();
  check_attention();
#endif
  leave(0);
}

extern uint32_t stack_top[];

static void fault(void) {
  print("a fault\n");
  leave(2);
}

__attribute__((section(".vectors"), used)) void (*const vectors[])(void) = {
    (void (*)(void))stack_top, run, fault, fault, fault, fault, fault, fault};
