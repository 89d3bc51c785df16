/* halide_malloc and halide_free over a workspace. Halide nests its blocks, save that it gives some
 * back early: a block given back is reused once those after it are given back, too. So what a
 * kernel needs is at most the largest sum of blocks that enclose one another, each rounded up and
 * with a header; it is worked out when the kernel is compiled, and callers hand in that much. */
#include "workspace.h"

struct header {
  uint32_t before; /* offset of the header before this one */
  uint32_t free;
  uint32_t unused[2];
};
_Static_assert(sizeof(struct header) == HALYARD_WORKSPACE_ALIGNMENT, "blocks would be misaligned");

void* halide_malloc(void* user_context, size_t bytes) {
  struct halyard_workspace* const w = user_context;
  const size_t left = w->bytes - w->used;
  if (left < sizeof(struct header) || bytes > left - sizeof(struct header)) return NULL;
  const size_t rounded =
      (bytes + HALYARD_WORKSPACE_ALIGNMENT - 1) & ~(size_t)(HALYARD_WORKSPACE_ALIGNMENT - 1);
  if (rounded > left - sizeof(struct header)) return NULL;
  struct header* const h = (struct header*)(w->begin + w->used);
  h->before = (uint32_t)w->last;
  h->free = 0;
  w->last = w->used;
  w->used += sizeof *h + rounded;
  return h + 1;
}

void halide_free(void* user_context, void* block) {
  struct halyard_workspace* const w = user_context;
  if (block == NULL) return;
  ((struct header*)block - 1)->free = 1;
  while (w->used != 0) {
    const struct header* const h = (const struct header*)(w->begin + w->last);
    if (!h->free) return;
    w->used = w->last;
    w->last = h->before;
  }
}
