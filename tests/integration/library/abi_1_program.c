/* A program as users of ABI version 1 wrote it: all that the header had, its answers against plain
 * loops. It is compiled with the header of that version and never changed. Prints one line. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shipped.h"

static float numbers[4096];
static int wrong;

static void expect(int good, const char* what) {
  if (good) return;
  fprintf(stderr, "wrong: %s\n", what);
  wrong++;
}

static int near(double a, double b) { return fabs(a - b) < 1e-4; }

/* Answers of c = activation(a b + bias + residual); bias and residual may be NULL. */
static void expect_product(int m, int n, int k, const float* a, const float* b, const float* bias,
                           const float* residual, int activation, const float* c,
                           const char* what) {
  int right = 1;
  for (int i = 0; i < m * n; i++) {
    double want = 0;
    for (int p = 0; p < k; p++) want += (double)a[i / n * k + p] * b[p * n + i % n];
    if (bias != NULL) want += bias[i % n];
    if (residual != NULL) want += residual[i];
    if (activation == SHIPPED_ACTIVATION_RELU && want < 0) want = 0;
    if (activation == SHIPPED_ACTIVATION_GELU) want *= 0.5 * erfc(-want / sqrt(2));
    right &= near(c[i], want);
  }
  expect(right, what);
}

static void try_gemm(int m, int n, int k, int tuned) {
  const float *a = numbers, *b = numbers + 7, *bias = numbers + 11, *residual = numbers + 13;
  float* c = malloc((size_t)(m * n) * sizeof *c);
  expect(shipped_gemm(m, n, k, a, b, c) == SHIPPED_OK, "gemm's status");
  expect_product(m, n, k, a, b, NULL, NULL, SHIPPED_ACTIVATION_NONE, c, "gemm");
  expect(shipped_is_tuned_gemm(m, n, k) == tuned, "is_tuned_gemm");

  for (int activation = SHIPPED_ACTIVATION_NONE; activation <= SHIPPED_ACTIVATION_GELU;
       activation++) {
    expect(shipped_gemm_fused(m, n, k, activation, a, b, bias, residual, c) == SHIPPED_OK,
           "gemm_fused's status");
    expect_product(m, n, k, a, b, bias, residual, activation, c, "gemm_fused");
    int64_t floats = 0;
    expect(shipped_gemm_fused_packed_floats(m, n, k, activation, 1, 0, &floats) == SHIPPED_OK,
           "gemm_fused_packed_floats");
    float* packed = malloc((size_t)floats * sizeof *packed);
    expect(shipped_gemm_fused_pack(m, n, k, activation, 1, 0, b, packed) == SHIPPED_OK,
           "gemm_fused_pack");
    expect(shipped_gemm_fused_packed(m, n, k, activation, a, packed, bias, NULL, c) == SHIPPED_OK,
           "gemm_fused_packed's status");
    expect_product(m, n, k, a, b, bias, NULL, activation, c, "gemm_fused_packed");
    free(packed);
  }

  int64_t floats = 0;
  expect(shipped_gemm_packed_floats(m, n, k, &floats) == SHIPPED_OK, "gemm_packed_floats");
  float* packed = malloc((size_t)floats * sizeof *packed);
  expect(shipped_gemm_pack(m, n, k, b, packed) == SHIPPED_OK, "gemm_pack");
  expect(shipped_gemm_packed(m, n, k, a, packed, c) == SHIPPED_OK, "gemm_packed's status");
  expect_product(m, n, k, a, b, NULL, NULL, SHIPPED_ACTIVATION_NONE, c, "gemm_packed");
  expect(shipped_is_tuned_gemm_packed(m, n, k) == tuned, "is_tuned_gemm_packed");

  expect(shipped_batch_gemm(1, m, n, k, a, b, c) == SHIPPED_OK, "batch_gemm's status");
  expect_product(m, n, k, a, b, NULL, NULL, SHIPPED_ACTIVATION_NONE, c, "batch_gemm");
  /* A 1x1 convolution is a product of the weights and the pixels. */
  expect(shipped_conv2d(1, m, 1, k, n, 1, 1, 1, 0, 1, 1, a, b, c) == SHIPPED_OK, "conv2d's status");
  expect_product(m, n, k, a, b, NULL, NULL, SHIPPED_ACTIVATION_NONE, c, "conv2d");
  free(packed);
  free(c);
}

static void try_softmax(int rows, int columns, int tuned) {
  float* out = malloc((size_t)(rows * columns) * sizeof *out);
  int right = 1;
  expect(shipped_softmax(rows, columns, numbers, out) == SHIPPED_OK, "softmax's status");
  for (int i = 0; i < rows; i++) {
    double sum = 0;
    for (int j = 0; j < columns; j++) sum += exp(numbers[i * columns + j]);
    for (int j = 0; j < columns; j++) {
      right &= near(out[i * columns + j], exp(numbers[i * columns + j]) / sum);
    }
  }
  expect(right, "softmax");
  expect(shipped_is_tuned_softmax(rows, columns) == tuned, "is_tuned_softmax");
  free(out);
}

/* Of one key the answer is its value. */
static void try_attention(void) {
  float q[8], out[8];
  memcpy(q, numbers, sizeof q);
  expect(shipped_attention(2, 1, 1, 4, 0, q, numbers + 20, numbers + 40, out) == SHIPPED_OK,
         "attention's status");
  for (int i = 0; i < 8; i++) expect(near(out[i], numbers[40 + i]), "attention");
  expect(shipped_is_tuned_attention(2, 24, 24, 8, 0) == 1, "is_tuned_attention");
}

int main(void) {
  float c = 0;
  for (int i = 0; i < 4096; i++) numbers[i] = (float)(i * 37 % 101 - 50) / 50;
  shipped_set_threads(2);
  try_gemm(33, 17, 9, 1);
  try_gemm(7, 5, 3, 0);
  try_softmax(19, 70, 1);
  try_softmax(3, 11, 0);
  try_attention();
  expect(shipped_gemm(0, 1, 1, numbers, numbers, &c) == SHIPPED_BAD_ARGUMENT, "a size of 0");
  expect(shipped_gemm(1, 1, 1, NULL, numbers, &c) == SHIPPED_BAD_ARGUMENT, "a null pointer");
  expect(strcmp(shipped_error_text(SHIPPED_OK), "done") == 0, "error_text");
  shipped_free_scratch();
  printf("%d wrong with %s, at most %d elements\n", wrong, SHIPPED_HALYARD_VERSION,
         (int)SHIPPED_MAX_ELEMENTS);
  return wrong != 0;
}
