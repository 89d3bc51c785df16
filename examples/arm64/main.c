/* Operators from the library tuned for an arm64 Linux device, run there and checked. One source for
 * all of them: LIBRARY is the library's name, tuned_rpi4 where nothing else is said.
 *
 *   ./tune --op attention --shape 16x4096x40 --device rpi4        # writes out/rpi4
 *   aarch64-linux-gnu-gcc -static -O2 -DLIBRARY=tuned_rpi4 examples/arm64/main.c -I out/rpi4 \
 *       -L out/rpi4 -ltuned_rpi4 -lpthread -lm -o example
 *   scp example raspberrypi: && ssh raspberrypi ./example         # or: qemu-aarch64 ./example
 *
 * Arguments choose another operator and shape, as --shape has it (an emulated attention of
 * 16x4096x40 takes minutes):
 *
 *   ./example attention 2 128 40      heads, sequence, depth
 *   ./example gemm 64 64 64           m, n, k
 *   ./example softmax 64 1000         rows, columns
 *   ./example conv2d 1 16 16 8 16 3 3 1 1     n, h, w, ci, co, kh, kw, stride, pad
 */
#include <stdio.h>
#include <string.h>

#include "../checks.h"

#ifndef LIBRARY
#define LIBRARY tuned_rpi4
#endif
#define QUOTED(name) #name
#define HEADER_OF(library) QUOTED(library.h)
#include HEADER_OF(LIBRARY)
#define JOINED(library, function) library##_##function
#define NAMED(library, function) JOINED(library, function)
#define CALL(function) NAMED(LIBRARY, function) /* CALL(gemm) is tuned_rpi4_gemm */

struct answer {
  int status; /* of the library; -1: no memory */
  int tuned;
  double error;
};

static struct answer run_attention(const int64_t* s) {
  const int64_t elements = s[0] * s[1] * s[2];
  float *q = numbers(elements, 1), *k = numbers(elements, 2), *v = numbers(elements, 3);
  float* out = numbers(elements, 4);
  struct answer a = {-1, CALL(is_tuned_attention)(s[0], s[1], s[1], s[2], 0), 0};
  if (q && k && v && out) {
    a.status = CALL(attention)(s[0], s[1], s[1], s[2], 0, q, k, v, out);
    if (a.status == 0) a.error = attention_error(q, k, v, out, s[0], s[1], s[1], s[2]);
  }
  free(q), free(k), free(v), free(out);
  return a;
}

static struct answer run_gemm(const int64_t* s) {
  float *a = numbers(s[0] * s[2], 1), *b = numbers(s[2] * s[1], 2), *c = numbers(s[0] * s[1], 3);
  struct answer answer = {-1, CALL(is_tuned_gemm)(s[0], s[1], s[2]), 0};
  if (a && b && c) {
    answer.status = CALL(gemm)(s[0], s[1], s[2], a, b, c);
    if (answer.status == 0) answer.error = gemm_error(a, b, c, s[0], s[1], s[2]);
  }
  free(a), free(b), free(c);
  return answer;
}

static struct answer run_softmax(const int64_t* s) {
  float *x = numbers(s[0] * s[1], 1), *out = numbers(s[0] * s[1], 2);
  struct answer a = {-1, CALL(is_tuned_softmax)(s[0], s[1]), 0};
  if (x && out) {
    a.status = CALL(softmax)(s[0], s[1], x, out);
    if (a.status == 0) a.error = softmax_error(x, out, s[0], s[1]);
  }
  free(x), free(out);
  return a;
}

static struct answer run_conv2d(const int64_t* s) {
  const struct convolution c = {s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8]};
  float* x = numbers(c.n * c.h * c.w * c.ci, 1);
  float* weights = numbers(c.kh * c.kw * c.ci * c.co, 2);
  float* out = numbers(c.n * out_h(&c) * out_w(&c) * c.co, 3);
  struct answer a = {
      -1, CALL(is_tuned_conv2d)(c.n, c.h, c.w, c.ci, c.co, c.kh, c.kw, c.stride, c.pad, 1, 1), 0};
  if (x && weights && out) {
    a.status =
        CALL(conv2d)(c.n, c.h, c.w, c.ci, c.co, c.kh, c.kw, c.stride, c.pad, 1, 1, x, weights, out);
    if (a.status == 0) a.error = conv2d_error(x, weights, out, &c);
  }
  free(x), free(weights), free(out);
  return a;
}

static const struct example {
  const char* operator;
  int sizes;
  struct answer (*run)(const int64_t*);
} examples[] = {{"attention", 3, run_attention},
                {"gemm", 3, run_gemm},
                {"softmax", 2, run_softmax},
                {"conv2d", 9, run_conv2d}};

int main(int argc, char** argv) {
  const char* const usual[] = {"", "attention", "16", "4096", "40"};
  const char* const* args = argc > 1 ? (const char* const*)argv : usual;
  const int count = argc > 1 ? argc : 5;
  const struct example* chosen = NULL;
  for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
    if (strcmp(args[1], examples[i].operator) == 0) chosen = &examples[i];
  }
  int64_t sizes[9];
  if (chosen == NULL || count != 2 + chosen->sizes) {
    fprintf(stderr,
            "give attention H S D, gemm M N K, softmax R C or conv2d N H W CI CO KH KW "
            "STRIDE PAD\n");
    return 2;
  }
  for (int i = 0; i < chosen->sizes; i++) sizes[i] = atoll(args[2 + i]);

  const struct answer a = chosen->run(sizes);
  if (a.status != 0) {
    fprintf(stderr, "%s\n", a.status < 0 ? "out of memory" : CALL(error_text)(a.status));
    return 1;
  }
  printf("%s", chosen->operator);
  for (int i = 0; i < chosen->sizes; i++) printf("%c%s", i == 0 ? ' ' : 'x', args[2 + i]);
  printf(" (%s): error %.1e: %s\n", a.tuned ? "tuned" : "fall-back", a.error,
         a.error < 1e-3 ? "right" : "WRONG");
  return a.error < 1e-3 ? 0 : 1;
}
