/* The threads that kernels' parallel loops run on. */
#ifndef HALYARD_TARGETS_KERNEL_RUNTIME_THREAD_POOL_H
#define HALYARD_TARGETS_KERNEL_RUNTIME_THREAD_POOL_H

#ifdef __cplusplus
extern "C" {
#endif

/* Calls body(body_context, i) once for each i from 0 to n - 1, in any order, on any threads, and
 * returns when all have returned; what they wrote is then visible to the caller. */
typedef void halyard_parallel_for(void* context, int n, void (*body)(void* body_context, int index),
                                  void* body_context);

/* Loops of more than one iteration run by `parallel_for`, or, where that is NULL, on the threads of
 * this runtime again. Loops inside a loop are run by the iteration that asks for them, one
 * iteration after another, so `parallel_for` need not be reentrant; loops of several callers may be
 * at it at once. After an iteration's error the others return at once, and the error is the loop's;
 * iterations that were never run are one, too. REQUIRES: no kernel runs. */
void halyard_set_parallel_for(halyard_parallel_for* parallel_for, void* context);

#ifdef __cplusplus
}
#endif

#endif
