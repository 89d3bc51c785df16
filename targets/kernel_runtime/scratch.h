/* The memory that kernels' scratch is kept in between calls. */
#ifndef HALYARD_TARGETS_KERNEL_RUNTIME_SCRATCH_H
#define HALYARD_TARGETS_KERNEL_RUNTIME_SCRATCH_H

#ifdef __cplusplus
extern "C" {
#endif

/* Gives every block that no kernel uses back to the C library. Thread-safe. */
void halyard_free_scratch(void);

#ifdef __cplusplus
}
#endif

#endif
