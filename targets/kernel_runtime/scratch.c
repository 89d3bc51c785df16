/* Memory for the scratch of kernels, in place of the C library's malloc: a kernel asks for the same
 * few blocks at every call, and malloc maps a large block afresh each time, which costs a page
 * fault every 4 KiB (1024 of them, some 0.5 ms, for the packed operand of a GEMM of
 * 1024x1024x1024). Large blocks that are given back are kept for the next call; kept and used ones
 * together never hold more than twice what was once in use.
 *
 * A program may have the blocks come from functions of its own: halyard_set_allocator.
 *
 * Defines halide_default_malloc and halide_default_free, weak symbols of the Halide runtime. Safe
 * from several threads. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "scratch.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "HalideRuntime.h"

enum {
  ALIGNMENT = 128,  /* what the runtime promises its kernels: two cache lines */
  LARGE = 64 << 10, /* below, the C library keeps blocks itself */
  HUGE_PAGE = 2 << 20,
  KEPT = 64,
};

/* Stands before every block, so a block is its address + ALIGNMENT. */
struct header {
  size_t bytes;        /* of the block, without the header */
  struct header* next; /* of the blocks to be freed */
};

static struct {
  atomic_flag busy;
  size_t in_use, most_in_use; /* bytes of large blocks */
  size_t bytes;               /* of the blocks kept */
  int count;
  struct header* blocks[KEPT]; /* longest kept first */
} kept = {.busy = ATOMIC_FLAG_INIT};

/* The program's own functions, both or neither. Read without the lock: no kernel runs while they
 * are set. */
static struct {
  halyard_allocate* allocate;
  halyard_release* release;
  void* context;
} program;

/* Held for a scan of 64 pointers at most. */
static void lock(void) {
  while (atomic_flag_test_and_set_explicit(&kept.busy, memory_order_acquire)) {
  }
}

static void unlock(void) { atomic_flag_clear_explicit(&kept.busy, memory_order_release); }

/* REQUIRES: locked. */
static struct header* remove_kept(int i) {
  struct header* const block = kept.blocks[i];
  kept.bytes -= block->bytes;
  memmove(&kept.blocks[i], &kept.blocks[i + 1], (size_t)(--kept.count - i) * sizeof block);
  return block;
}

/* REQUIRES: locked. Blocks that are too many, linked through `next`, for the caller to free. */
static struct header* remove_surplus(bool all) {
  struct header* surplus = NULL;
  while (kept.count > 0 &&
         (all || kept.count == KEPT || kept.in_use + kept.bytes > 2 * kept.most_in_use)) {
    struct header* const block = remove_kept(0);
    block->next = surplus;
    surplus = block;
  }
  return surplus;
}

/* NULL where there is no memory. Never under the lock: the program's functions may take theirs. */
static struct header* new_block(size_t bytes) {
  const size_t whole = bytes + ALIGNMENT;
  struct header* block = NULL;
  if (program.allocate != NULL) {
    block = program.allocate(program.context, ALIGNMENT, whole);
    /* Kernels use instructions that fault on such an address. */
    if ((uintptr_t)block % ALIGNMENT != 0) {
      program.release(program.context, block, ALIGNMENT, whole);
      return NULL;
    }
  } else {
    const bool huge = bytes >= HUGE_PAGE;
    if (posix_memalign((void**)&block, huge ? HUGE_PAGE : ALIGNMENT, whole) != 0) return NULL;
    /* One entry of the TLB in place of 512; a kernel that refuses is as right as before. */
    if (huge) (void)madvise(block, whole & ~(size_t)(HUGE_PAGE - 1), MADV_HUGEPAGE);
  }
  if (block != NULL) block->bytes = bytes;
  return block;
}

static void free_block(struct header* block) {
  if (program.release != NULL) {
    program.release(program.context, block, ALIGNMENT, block->bytes + ALIGNMENT);
  } else {
    free(block);
  }
}

static void free_all(struct header* blocks) {
  while (blocks != NULL) {
    struct header* const next = blocks->next;
    free_block(blocks);
    blocks = next;
  }
}

/* The smallest kept block that holds `bytes` and is not twice as large. */
static struct header* take_kept(size_t bytes) {
  int best = -1;
  lock();
  for (int i = 0; i < kept.count; i++) {
    const size_t size = kept.blocks[i]->bytes;
    if (size < bytes || size / 2 > bytes) continue;
    if (best < 0 || size < kept.blocks[best]->bytes) best = i;
  }
  struct header* const block = best < 0 ? NULL : remove_kept(best);
  kept.in_use += block != NULL ? block->bytes : bytes;
  if (kept.in_use > kept.most_in_use) kept.most_in_use = kept.in_use;
  struct header* const surplus = remove_surplus(false);
  unlock();
  free_all(surplus);
  return block;
}

void* halide_default_malloc(void* user_context, size_t bytes) {
  (void)user_context;
  if (bytes > SIZE_MAX / 2) return NULL;
  struct header* block = bytes >= LARGE ? take_kept(bytes) : NULL;
  if (block == NULL) block = new_block(bytes);
  if (block == NULL) {
    /* What is kept may be what is missing. */
    halyard_free_scratch();
    block = new_block(bytes);
  }
  if (block == NULL) {
    lock();
    if (bytes >= LARGE) kept.in_use -= bytes;
    unlock();
    return NULL;
  }
  return (char*)block + ALIGNMENT;
}

void halide_default_free(void* user_context, void* pointer) {
  (void)user_context;
  if (pointer == NULL) return;
  struct header* block = (struct header*)((char*)pointer - ALIGNMENT);
  if (block->bytes < LARGE) {
    free_block(block);
    return;
  }
  lock();
  kept.in_use -= block->bytes;
  kept.bytes += block->bytes;
  struct header* const surplus = remove_surplus(false);
  kept.blocks[kept.count++] = block;
  unlock();
  free_all(surplus);
}

void halyard_free_scratch(void) {
  lock();
  kept.most_in_use = kept.in_use;
  struct header* const blocks = remove_surplus(true);
  unlock();
  free_all(blocks);
}

void halyard_set_allocator(halyard_allocate* allocate, halyard_release* release, void* context) {
  halyard_free_scratch();
  program.allocate = allocate;
  program.release = release;
  program.context = context;
}
