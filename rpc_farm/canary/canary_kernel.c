/* The farm's reference kernel: C = A B of n x n matrices, compiled once for each toolchain when
 * Halyard is built, so that its time on a board changes with the board alone. An artifact like any
 * other: `canary_argv` takes its buffers as Halide's kernels do. */
#include <stdint.h>

/* The head of halide_buffer_t (HalideRuntime.h). */
typedef struct {
  int32_t min, extent, stride;
  uint32_t flags;
} Dimension;
typedef struct {
  uint64_t device;
  const void* device_interface;
  float* host;
  uint64_t flags;
  uint32_t type;
  int32_t dimensions;
  Dimension* dim;
  void* padding;
} Buffer;

/* Ahead of the buffers, kernels without an operating system take a workspace. */
#ifndef HALYARD_BUFFERS_FROM
#define HALYARD_BUFFERS_FROM 0
#endif

int canary_argv(void** args) {
  const Buffer* const* buffers = (const Buffer* const*)args + HALYARD_BUFFERS_FROM;
  const float* a = buffers[0]->host;
  const float* b = buffers[1]->host;
  float* c = buffers[2]->host;
  const int32_t n = buffers[2]->dim[0].extent;
  /* Rows of B in the inner loop: vector FMAs where there are any, from the first-level cache. */
  for (int32_t i = 0; i < n; ++i) {
    for (int32_t j = 0; j < n; ++j) c[i * n + j] = 0;
    for (int32_t k = 0; k < n; ++k) {
      const float factor = a[i * n + k];
      for (int32_t j = 0; j < n; ++j) c[i * n + j] += factor * b[k * n + j];
    }
  }
  return 0;
}
