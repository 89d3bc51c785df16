/* What both examples share: inputs, and attention as a textbook writes it. */
#ifndef HALYARD_EXAMPLES_ATTENTION_CHECK_H
#define HALYARD_EXAMPLES_ATTENTION_CHECK_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

/* Floats in [-1, 1) that are the same on every machine; NULL where there is no memory. */
static inline float* numbers(int64_t count, uint32_t seed) {
  float* values = malloc((size_t)count * sizeof *values);
  for (int64_t i = 0; values != NULL && i < count; i++) {
    seed = seed * 1664525u + 1013904223u;
    values[i] = (float)(int32_t)seed / 2147483648.0f;
  }
  return values;
}

/* Element `d` of the output row of query `row`, heads counted in, over `keys` keys: in double. */
static inline double attention_element(const float* q, const float* k, const float* v, int64_t row,
                                       int64_t head, int64_t keys, int64_t depth, int64_t d) {
  double largest = -INFINITY, total = 0, mixed = 0;
  for (int pass = 0; pass < 2; pass++) {
    for (int64_t key = head * keys; key < (head + 1) * keys; key++) {
      double score = 0;
      for (int64_t i = 0; i < depth; i++) score += (double)q[row * depth + i] * k[key * depth + i];
      score /= sqrt((double)depth);
      if (pass == 0) {
        largest = fmax(largest, score);
      } else {
        const double weight = exp(score - largest);
        total += weight;
        mixed += weight * v[key * depth + d];
      }
    }
  }
  return mixed / total;
}

/* Largest difference from the textbook over 64 elements spread through out. */
static inline double attention_error(const float* q, const float* k, const float* v,
                                     const float* out, int64_t heads, int64_t queries, int64_t keys,
                                     int64_t depth) {
  const int64_t elements = heads * queries * depth;
  double worst = 0;
  for (int i = 0; i < 64; i++) {
    const int64_t e = (elements - 1) * i / 63, row = e / depth;
    const double want = attention_element(q, k, v, row, row / queries, keys, depth, e % depth);
    const double error = fabs(out[e] - want);
    if (!(error <= worst)) worst = error; /* a NaN is kept, too */
  }
  return worst;
}

#endif
