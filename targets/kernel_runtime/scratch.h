/* The memory that kernels' scratch is kept in between calls. */
#ifndef HALYARD_TARGETS_KERNEL_RUNTIME_SCRATCH_H
#define HALYARD_TARGETS_KERNEL_RUNTIME_SCRATCH_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Gives every block that no kernel uses back to where it came from. Thread-safe. */
void halyard_free_scratch(void);

/* `bytes` at a multiple of `alignment`, a power of two; NULL where there is no memory. Called from
 * every thread that runs a kernel, as is the other. */
typedef void* halyard_allocate(void* context, size_t alignment, size_t bytes);
/* `alignment` and `bytes` are those that the block was asked for with. */
typedef void halyard_release(void* context, void* block, size_t alignment, size_t bytes);

/* Blocks come from these functions, or, where both are NULL, from the C library again; what was
 * kept is given back first. A block that is not aligned is given back and counts as none.
 * REQUIRES: both or neither; no kernel runs. */
void halyard_set_allocator(halyard_allocate* allocate, halyard_release* release, void* context);

#ifdef __cplusplus
}
#endif

#endif
