/* The threads behind a kernel's parallel loops, in place of the Halide runtime's own pool, which
 * puts its workers to sleep after each loop and wakes them through a lock: 10 to 50 us a loop in a
 * virtual machine, as long as a small kernel runs. Here a worker spins for a while after its last
 * loop, and nobody waits for a worker that came too late to find work.
 *
 * Each thread has the same share of the iterations in every loop of a length, one after another, so
 * that what a core read in the last call it may find in its own cache; who is done takes over from
 * the others' shares.
 *
 * One loop runs on the pool at a time. A loop inside a loop, and a loop of a second thread while
 * the first one's runs, are run by the thread that asks for them, so a kernel should open its
 * parallel loops outermost.
 *
 * A program may have loops run on a pool of its own: halyard_set_parallel_for.
 *
 * Defines halide_default_do_par_for and halide_set_num_threads, weak symbols of the runtime; what a
 * program sets with halide_set_custom_do_par_for still comes first. Linux only: it sleeps on
 * futexes. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "thread_pool.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "HalideRuntime.h"

enum {
  MOST_THREADS = 256,
  /* Longer than the serial stretch between two loops of a kernel, or between two kernels of a
   * network whose glue code is quick; libgomp and the BLAS libraries spin longer. */
  SPIN_NS = 200000,
  PAUSES_A_LOOK = 32, /* at the clock, which costs about as much as one pause */
};

/* `gate`: the number of workers inside the loop, and two flags. */
#define GATE_OPEN 0x80000000u    /* workers may enter */
#define GATE_WAITING 0x40000000u /* the caller sleeps until the last worker leaves */

struct share {
  _Alignas(64) atomic_int next; /* iteration to be taken, from 0 */
  int end;
};

static struct {
  struct share share[MOST_THREADS];
  _Alignas(64)
      atomic_uint generation; /* raised for each loop; idle workers wait for it to change */
  atomic_int sleepers;        /* on `generation` */
  _Alignas(64) atomic_uint gate;
  _Alignas(64) atomic_int error;
  /* Written by the owner of `busy` while the gate is closed and empty. */
  halide_task_t body;
  void* user_context;
  uint8_t* closure;
  int min, shares;
  _Alignas(64) atomic_int threads; /* that share a loop, the caller included; 0: not known yet */
  int started;                     /* workers that exist */
  pthread_t workers[MOST_THREADS]; /* [1] on: the caller is 0 */
  atomic_bool stopping;
  atomic_flag busy; /* a thread runs a loop */
} pool = {.busy = ATOMIC_FLAG_INIT};

/* Read without a lock: no kernel runs while it is set. */
static struct {
  halyard_parallel_for* parallel_for; /* NULL: loops run on `pool` */
  void* context;
} program;

/* One byte of the program's static block, which a loaded library may use too: no call to find it.
 */
static _Thread_local bool inside_loop __attribute__((tls_model("initial-exec")));

static void wait_while(atomic_uint* word, unsigned value) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void wake(atomic_uint* word, int how_many) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, how_many, NULL, NULL, 0);
}

static void pause_core(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory"); /* `yield` does nothing on most cores */
#endif
}

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Spins while *word is `value`. False when it gave up. */
static bool spin_while(atomic_uint* word, unsigned value) {
  const int64_t give_up = now_ns() + SPIN_NS;
  do {
    for (int i = 0; i < PAUSES_A_LOOK; i++) {
      if (atomic_load_explicit(word, memory_order_acquire) != value) return true;
      pause_core();
    }
  } while (now_ns() < give_up);
  return false;
}

/* Those of the thread's own share first. */
static void take_iterations(int self) {
  for (int i = 0; i < pool.shares; i++) {
    struct share* const share = &pool.share[(self + i) % pool.shares];
    for (;;) {
      const int at = atomic_fetch_add_explicit(&share->next, 1, memory_order_relaxed);
      if (at >= share->end) break;
      const int error = halide_do_task(pool.user_context, pool.body, pool.min + at, pool.closure);
      if (error != 0) atomic_store_explicit(&pool.error, error, memory_order_relaxed);
      /* After one error the rest is not worth running. */
      if (atomic_load_explicit(&pool.error, memory_order_relaxed) != 0) return;
    }
  }
}

/* Runs what is left of the open loop; returns at once where there is none. */
static void join_loop(int self) {
  unsigned gate = atomic_load_explicit(&pool.gate, memory_order_relaxed);
  do {
    if (!(gate & GATE_OPEN)) return;
  } while (!atomic_compare_exchange_weak_explicit(&pool.gate, &gate, gate + 1, memory_order_acquire,
                                                  memory_order_relaxed));
  take_iterations(self);
  gate = atomic_fetch_sub_explicit(&pool.gate, 1, memory_order_release);
  if (gate == (GATE_WAITING | 1)) wake(&pool.gate, 1);
}

static void* worker(void* index) {
  const int self = (int)(intptr_t)index; /* the caller is 0 */
  unsigned seen = 0;
  inside_loop = true;
  for (;;) {
    if (!spin_while(&pool.generation, seen)) {
      atomic_fetch_add(&pool.sleepers, 1);
      while (atomic_load(&pool.generation) == seen) wait_while(&pool.generation, seen);
      atomic_fetch_sub(&pool.sleepers, 1);
    }
    seen = atomic_load_explicit(&pool.generation, memory_order_acquire);
    if (atomic_load(&pool.stopping)) return NULL;
    if (self < atomic_load_explicit(&pool.threads, memory_order_relaxed)) join_loop(self);
  }
}

static int default_threads(void) {
  const char* text = getenv("HL_NUM_THREADS");
  if (text == NULL) text = getenv("HL_NUMTHREADS");
  int threads = text != NULL ? atoi(text) : 0;
  if (threads < 1) {
    cpu_set_t cpus;
    threads = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
  }
  return threads > MOST_THREADS ? MOST_THREADS : threads;
}

static int thread_count(void) {
  int threads = atomic_load_explicit(&pool.threads, memory_order_relaxed);
  if (threads == 0) {
    int unknown = 0;
    threads = default_threads();
    if (!atomic_compare_exchange_strong(&pool.threads, &unknown, threads)) threads = unknown;
  }
  return threads;
}

int halide_set_num_threads(int threads) {
  const int before = thread_count();
  if (threads < 0) return before;
  if (threads == 0) threads = default_threads();
  atomic_store(&pool.threads, threads > MOST_THREADS ? MOST_THREADS : threads);
  return before;
}

/* In a child of fork() there are no workers, whatever they were doing. */
static void forget_workers(void) {
  pool.started = 0;
  atomic_store(&pool.sleepers, 0);
  atomic_store(&pool.gate, 0);
  atomic_flag_clear(&pool.busy);
  inside_loop = false;
}

/* REQUIRES: `busy` is ours. With fewer workers than asked for, a loop takes longer, no more. */
static void start_workers(int wanted) {
  static atomic_flag fork_is_watched = ATOMIC_FLAG_INIT;
  if (wanted > 0 && !atomic_flag_test_and_set(&fork_is_watched)) {
    pthread_atfork(NULL, NULL, forget_workers);
  }
  while (pool.started < wanted) {
    const int self = pool.started + 1;
    if (pthread_create(&pool.workers[self], NULL, worker, (void*)(intptr_t)self) != 0) return;
    pool.started = self;
  }
}

/* Before the code goes: at the program's end, and where the library was loaded by dlopen, at
 * dlclose. */
__attribute__((destructor)) static void stop_workers(void) {
  atomic_store(&pool.stopping, true);
  atomic_fetch_add(&pool.generation, 1);
  wake(&pool.generation, INT_MAX);
  for (int i = 1; i <= pool.started; i++) pthread_join(pool.workers[i], NULL);
  pool.started = 0;
}

static int run_serially(void* user_context, halide_task_t body, int min, int size,
                        uint8_t* closure) {
  for (int i = 0; i < size; i++) {
    const int error = halide_do_task(user_context, body, min + i, closure);
    if (error != 0) return error;
  }
  return 0;
}

/* A loop on the program's own pool. */
struct program_loop {
  halide_task_t body;
  void* user_context;
  uint8_t* closure;
  int min, size;
  atomic_int error;
  atomic_int done; /* iterations, those skipped after an error included */
};

static void program_iteration(void* context, int index) {
  struct program_loop* const loop = context;
  if (index < 0 || index >= loop->size) return;
  if (atomic_load_explicit(&loop->error, memory_order_relaxed) == 0) {
    /* Loops inside run here and now: a pool may have no thread left for them, and wait for ever. */
    const bool outer = inside_loop;
    inside_loop = true;
    const int error =
        halide_do_task(loop->user_context, loop->body, loop->min + index, loop->closure);
    inside_loop = outer;
    if (error != 0) atomic_store_explicit(&loop->error, error, memory_order_relaxed);
  }
  atomic_fetch_add_explicit(&loop->done, 1, memory_order_relaxed);
}

static int run_on_programs_pool(void* user_context, halide_task_t body, int min, int size,
                                uint8_t* closure) {
  struct program_loop loop = {body, user_context, closure, min, size, 0, 0};
  program.parallel_for(program.context, size, program_iteration, &loop);
  const int error = atomic_load_explicit(&loop.error, memory_order_relaxed);
  if (error != 0) return error;
  /* A pool that was shut down, say: the output has holes. */
  const int done = atomic_load_explicit(&loop.done, memory_order_relaxed);
  return done == size ? 0 : halide_error_code_generic_error;
}

void halyard_set_parallel_for(halyard_parallel_for* parallel_for, void* context) {
  program.parallel_for = parallel_for;
  program.context = context;
}

int halide_default_do_par_for(void* user_context, halide_task_t body, int min, int size,
                              uint8_t* closure) {
  if (program.parallel_for != NULL && size > 1 && !inside_loop) {
    return run_on_programs_pool(user_context, body, min, size, closure);
  }
  const int threads = thread_count();
  /* A loop of one leaves the pool to the loops inside it. */
  if (size <= 1 || threads == 1 || inside_loop || atomic_flag_test_and_set(&pool.busy)) {
    return run_serially(user_context, body, min, size, closure);
  }
  start_workers((threads < size ? threads : size) - 1);
  pool.body = body;
  pool.user_context = user_context;
  pool.closure = closure;
  pool.min = min;
  pool.shares = threads < size ? threads : size;
  for (int i = 0; i < pool.shares; i++) {
    atomic_store_explicit(&pool.share[i].next, (int)((int64_t)size * i / pool.shares),
                          memory_order_relaxed);
    pool.share[i].end = (int)((int64_t)size * (i + 1) / pool.shares);
  }
  atomic_store_explicit(&pool.error, 0, memory_order_relaxed);
  atomic_store_explicit(&pool.gate, GATE_OPEN, memory_order_release);
  /* Sequentially consistent, as is the worker's pair (sleepers up, generation read): one of the two
   * sees the other, so no worker sleeps through a loop. */
  atomic_fetch_add(&pool.generation, 1);
  if (atomic_load(&pool.sleepers) > 0) wake(&pool.generation, INT_MAX);

  inside_loop = true;
  take_iterations(0);
  inside_loop = false;

  unsigned gate =
      atomic_fetch_and_explicit(&pool.gate, ~GATE_OPEN, memory_order_acquire) & ~GATE_OPEN;
  while (gate != 0) {
    if (!spin_while(&pool.gate, gate)) {
      gate = atomic_fetch_or(&pool.gate, GATE_WAITING) | GATE_WAITING;
      if (gate != GATE_WAITING) wait_while(&pool.gate, gate);
    }
    gate = atomic_load_explicit(&pool.gate, memory_order_acquire);
    if (gate == GATE_WAITING) gate = 0;
  }
  const int error = atomic_load_explicit(&pool.error, memory_order_relaxed);
  atomic_flag_clear_explicit(&pool.busy, memory_order_release);
  return error;
}
