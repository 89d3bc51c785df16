/* Memory for the scratch of kernels on a device without an operating system: a piece of memory the
 * caller hands in, given out from its beginning. */
#ifndef HALYARD_TARGETS_KERNEL_RUNTIME_WORKSPACE_H_
#define HALYARD_TARGETS_KERNEL_RUNTIME_WORKSPACE_H_

#include <stddef.h>
#include <stdint.h>

/* What stands before each block, and what blocks are multiples of. */
#define HALYARD_WORKSPACE_ALIGNMENT 16

/* The user context of a kernel. `begin` is HALYARD_WORKSPACE_ALIGNMENT-aligned. */
struct halyard_workspace {
  uint8_t* begin;
  size_t bytes;
  size_t used; /* offset of the first free byte */
  size_t last; /* offset of the last block's header */
};

#endif /* HALYARD_TARGETS_KERNEL_RUNTIME_WORKSPACE_H_ */
