// What a program may bring for the library to use, its memory and its threads, and the version of
// the interface: the part of header and dispatcher that no operator has a share in.
#include "tuner/library/generated_text.h"

namespace halyard {

std::string HooksHeaderText() {
  return R"(
/* The version of this interface. Whatever is added to it raises it by one; nothing is taken away
 * or changes its meaning. So a program works with every library whose
 * $NAME_abi_version() is at least the $PREFIX_ABI_VERSION
 * that it was compiled with. Which shapes are tuned, and what packed operands look like, is not of
 * the interface: it belongs to a build. (Version 1 had neither the macro nor the function.) */
#define $PREFIX_ABI_VERSION $ABI_VERSION
int $NAME_abi_version(void);

/* Memory and threads of the program's own. Set them while no function of this library runs, best
 * before the first. The functions given are called from any thread that runs a kernel, several at
 * once; they must return: no exception, no longjmp. */

/* `bytes` at an address that is a multiple of `alignment`, a power of two; NULL where there is no
 * memory. */
typedef void* $NAME_allocate_function(void* context, size_t alignment, size_t bytes);
/* Takes such a block back; alignment and bytes are those it was asked for with. */
typedef void $NAME_release_function(void* context, void* block, size_t alignment,
                                    size_t bytes);

/* Kernels' scratch comes from `allocate`, and goes back to `release`, from now on; NULL for both:
 * the C library's again. What was kept for the next call is given back first, to where it came
 * from, so that the functions set before are not called again. Blocks are kept as ever: call
 * $NAME_free_scratch() before the memory behind `context` goes. Where
 * `allocate` fails, kept blocks are given back and it is asked again; where it fails again, the
 * call answers $PREFIX_OUT_OF_MEMORY and has given back all that it had. A
 * block that is not aligned is given back and counts as none.
 * $PREFIX_BAD_ARGUMENT: one of the two is NULL. */
int $NAME_set_allocator($NAME_allocate_function* allocate,
                        $NAME_release_function* release, void* context);

/* One iteration of a loop. */
typedef void $NAME_body_function(void* body_context, int index);
/* Calls body(body_context, i) once for each i from 0 to n - 1, in any order and on any threads, and
 * returns when all have returned, what they wrote visible to its caller. */
typedef void $NAME_parallel_for_function(void* context, int n, $NAME_body_function* body,
                                         void* body_context);

/* Parallel loops run by `parallel_for` from now on, which is called on the thread that called the
 * library; NULL: on the library's own threads again, which alone
 * $NAME_set_threads() is about. It is never called from inside a `body`, and
 * results are the same to the last bit. Where it leaves an iteration out, the call answers
 * $PREFIX_KERNEL_FAILED. The macros for scratch take as `threads` how many of
 * a loop's iterations `parallel_for` runs at once. */
void $NAME_set_parallel_for($NAME_parallel_for_function* parallel_for, void* context);
)";
}

std::string HooksDispatcherText() {
  return R"(
int $NAME_abi_version(void) { return $PREFIX_ABI_VERSION; }

/* Of the kernels' runtime. */
void halyard_set_allocator($NAME_allocate_function*, $NAME_release_function*, void*);
void halyard_set_parallel_for($NAME_parallel_for_function*, void*);

int $NAME_set_allocator($NAME_allocate_function* allocate, $NAME_release_function* release,
                        void* context) {
  if ((allocate == NULL) != (release == NULL)) return $PREFIX_BAD_ARGUMENT;
  halyard_set_allocator(allocate, release, context);
  return $PREFIX_OK;
}

void $NAME_set_parallel_for($NAME_parallel_for_function* parallel_for, void* context) {
  halyard_set_parallel_for(parallel_for, context);
}
)";
}

std::vector<std::string> HooksExports() {
  return {"_abi_version", "_set_allocator", "_set_parallel_for"};
}

}  // namespace halyard
