/* Attention and a matrix product from the library tuned for this machine, checked and timed.
 *
 *   ./tune --op attention --shape 16x4096x40 --device host        # writes out/host
 *   cc -O2 examples/host/main.c -I out/host -L out/host -ltuned_host -lpthread -lm -o example
 *   ./example                     # or ./example HEADS SEQUENCE DEPTH
 */
#include <stdio.h>
#include <time.h>

#include "../checks.h"
#include "tuned_host.h"

static double seconds(void) {
  struct timespec t;
  timespec_get(&t, TIME_UTC);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char** argv) {
  const int64_t heads = argc > 3 ? atoll(argv[1]) : 16;
  const int64_t sequence = argc > 3 ? atoll(argv[2]) : 4096;
  const int64_t depth = argc > 3 ? atoll(argv[3]) : 40;
  const int64_t elements = heads * sequence * depth, m = 96, n = 80, p = 64;
  float *q = numbers(elements, 1), *k = numbers(elements, 2), *v = numbers(elements, 3);
  float *out = numbers(elements, 4), *a = numbers(m * p, 5), *b = numbers(p * n, 6);
  float* c = numbers(m * n, 7);
  if (!q || !k || !v || !out || !a || !b || !c) {
    fprintf(stderr, "out of memory\n");
    return 1;
  }

  /* The first call starts the threads. */
  int status = tuned_host_attention(heads, sequence, sequence, depth, 0, q, k, v, out);
  const double begin = seconds();
  if (status == TUNED_HOST_OK) {
    status = tuned_host_attention(heads, sequence, sequence, depth, 0, q, k, v, out);
  }
  const double took = seconds() - begin;
  if (status == TUNED_HOST_OK) status = tuned_host_gemm(m, n, p, a, b, c);
  if (status != TUNED_HOST_OK) {
    fprintf(stderr, "tuned_host: %s\n", tuned_host_error_text(status));
    return 1;
  }

  const double error = attention_error(q, k, v, out, heads, sequence, sequence, depth);
  const double product_error = gemm_error(a, b, c, m, n, p);
  const int right = error < 1e-4 && product_error < 1e-4;
  printf("attention %lldx%lldx%lld (%s): %.3f ms, error %.1e; gemm error %.1e: %s\n",
         (long long)heads, (long long)sequence, (long long)depth,
         tuned_host_is_tuned_attention(heads, sequence, sequence, depth, 0) ? "tuned" : "fall-back",
         took * 1e3, error, product_error, right ? "right" : "WRONG");
  free(q), free(k), free(v), free(out), free(a), free(b), free(c);
  return right ? 0 : 1;
}
