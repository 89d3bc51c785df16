/* Attention from the library tuned for a Raspberry Pi 4, checked.
 *
 *   ./tune --op attention --shape 16x4096x40 --device rpi4        # writes out/rpi4
 *   aarch64-linux-gnu-gcc -static -O2 examples/rpi4/main.c -I out/rpi4 -L out/rpi4 \
 *       -ltuned_rpi4 -lpthread -lm -o example
 *   scp example raspberrypi: && ssh raspberrypi ./example         # or: qemu-aarch64 ./example
 *
 * Arguments HEADS SEQUENCE DEPTH choose another shape: an emulated 16x4096x40 takes minutes.
 */
#include <stdio.h>

#include "../attention_check.h"
#include "tuned_rpi4.h"

int main(int argc, char** argv) {
  const int64_t heads = argc > 3 ? atoll(argv[1]) : 16;
  const int64_t sequence = argc > 3 ? atoll(argv[2]) : 4096;
  const int64_t depth = argc > 3 ? atoll(argv[3]) : 40;
  const int64_t elements = heads * sequence * depth;
  float *q = numbers(elements, 1), *k = numbers(elements, 2), *v = numbers(elements, 3);
  float* out = numbers(elements, 4);
  if (!q || !k || !v || !out) {
    fprintf(stderr, "out of memory\n");
    return 1;
  }

  tuned_rpi4_set_threads(4);
  const int status = tuned_rpi4_attention(heads, sequence, sequence, depth, 0, q, k, v, out);
  if (status != TUNED_RPI4_OK) {
    fprintf(stderr, "tuned_rpi4: %s\n", tuned_rpi4_error_text(status));
    return 1;
  }

  const double error = attention_error(q, k, v, out, heads, sequence, sequence, depth);
  printf("attention %lldx%lldx%lld (%s): error %.1e: %s\n", (long long)heads, (long long)sequence,
         (long long)depth,
         tuned_rpi4_is_tuned_attention(heads, sequence, sequence, depth, 0) ? "tuned" : "fall-back",
         error, error < 1e-4 ? "right" : "WRONG");
  free(q), free(k), free(v), free(out);
  return error < 1e-4 ? 0 : 1;
}
