/* Counts the memory that a library takes for scratch: link with --wrap=posix_memalign,--wrap=free.
 */
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

static struct {
  pthread_mutex_t mutex;
  struct {
    void* block;
    size_t bytes;
  } blocks[1024];
  int64_t live, peak;
} counted = {.mutex = PTHREAD_MUTEX_INITIALIZER};

int __real_posix_memalign(void** block, size_t alignment, size_t bytes);
int __wrap_posix_memalign(void** block, size_t alignment, size_t bytes);
void __real_free(void* block);
void __wrap_free(void* block);

int __wrap_posix_memalign(void** block, size_t alignment, size_t bytes) {
  const int status = __real_posix_memalign(block, alignment, bytes);
  if (status != 0) return status;
  pthread_mutex_lock(&counted.mutex);
  for (size_t i = 0; i < sizeof counted.blocks / sizeof *counted.blocks; i++) {
    if (counted.blocks[i].block != NULL) continue;
    counted.blocks[i].block = *block, counted.blocks[i].bytes = bytes;
    counted.live += (int64_t)bytes;
    break;
  }
  if (counted.live > counted.peak) counted.peak = counted.live;
  pthread_mutex_unlock(&counted.mutex);
  return 0;
}

void __wrap_free(void* block) {
  pthread_mutex_lock(&counted.mutex);
  for (size_t i = 0; block != NULL && i < sizeof counted.blocks / sizeof *counted.blocks; i++) {
    if (counted.blocks[i].block != block) continue;
    counted.live -= (int64_t)counted.blocks[i].bytes;
    counted.blocks[i].block = NULL;
    break;
  }
  pthread_mutex_unlock(&counted.mutex);
  __real_free(block);
}
