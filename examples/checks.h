/* What the examples share: inputs, and the operators as a textbook writes them, in double. */
#ifndef HALYARD_EXAMPLES_CHECKS_H
#define HALYARD_EXAMPLES_CHECKS_H

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

/* The larger of two errors; a NaN is larger than any number. */
static inline double worse(double worst, double error) { return error <= worst ? worst : error; }

/* Largest difference of c = a b over 64 elements spread through c. */
static inline double gemm_error(const float* a, const float* b, const float* c, int64_t m,
                                int64_t n, int64_t k) {
  double worst = 0;
  for (int i = 0; i < 64; i++) {
    const int64_t e = (m * n - 1) * i / 63;
    double want = 0;
    for (int64_t p = 0; p < k; p++) want += (double)a[e / n * k + p] * b[p * n + e % n];
    worst = worse(worst, fabs(c[e] - want));
  }
  return worst;
}

/* Largest difference of the rows' softmax over 64 elements spread through out. */
static inline double softmax_error(const float* x, const float* out, int64_t rows,
                                   int64_t columns) {
  double worst = 0;
  for (int i = 0; i < 64; i++) {
    const int64_t e = (rows * columns - 1) * i / 63;
    const float* row = x + e / columns * columns;
    double largest = -INFINITY, total = 0;
    for (int64_t j = 0; j < columns; j++) largest = fmax(largest, row[j]);
    for (int64_t j = 0; j < columns; j++) total += exp(row[j] - largest);
    worst = worse(worst, fabs(out[e] - exp(row[e % columns] - largest) / total));
  }
  return worst;
}

struct convolution {
  int64_t n, h, w, ci, co, kh, kw, stride, pad;
};
static inline int64_t out_h(const struct convolution* s) {
  return (s->h + 2 * s->pad - s->kh) / s->stride + 1;
}
static inline int64_t out_w(const struct convolution* s) {
  return (s->w + 2 * s->pad - s->kw) / s->stride + 1;
}

/* Largest difference of an NHWC convolution over 64 elements spread through out. */
static inline double conv2d_error(const float* x, const float* weights, const float* out,
                                  const struct convolution* s) {
  const int64_t elements = s->n * out_h(s) * out_w(s) * s->co;
  double worst = 0;
  for (int i = 0; i < 64; i++) {
    const int64_t e = (elements - 1) * i / 63, channel = e % s->co, pixel = e / s->co;
    const int64_t column = pixel % out_w(s), row = pixel / out_w(s) % out_h(s);
    const int64_t image = pixel / out_w(s) / out_h(s);
    double want = 0;
    for (int64_t dy = 0; dy < s->kh; dy++) {
      for (int64_t dx = 0; dx < s->kw; dx++) {
        const int64_t y = row * s->stride + dy - s->pad, z = column * s->stride + dx - s->pad;
        if (y < 0 || y >= s->h || z < 0 || z >= s->w) continue;
        const float* in = x + ((image * s->h + y) * s->w + z) * s->ci;
        const float* of = weights + (dy * s->kw + dx) * s->ci * s->co + channel;
        for (int64_t c = 0; c < s->ci; c++) want += (double)in[c] * of[c * s->co];
      }
    }
    worst = worse(worst, fabs(out[e] - want));
  }
  return worst;
}

#endif
