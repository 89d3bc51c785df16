// A problem larger than a tuned one in its first size alone is run by that one's kernel, in parts.
#include "tuner/library/dispatcher_parts.h"

namespace halyard {

std::string PartsText() {
  return R"(
/* Of the measurement behind a kernel. */
struct run {
  double time; /* of one call; in the same unit for all */
  int serial;  /* 1: it has no loop that runs on several threads */
};

#define MOST_TENSORS 8
/* As many tasks as there can be threads: parts are shared out evenly, so more bring nothing. */
#define MOST_TASKS 256

/* A call of a kernel tuned for `each` of the first size, asked for more of it: rows, products,
 * images or heads, none of which has to do with the others. */
struct problem {
  int (*call)(const void* variant, const float* const* data);
  const void* variant;
  const float* const* data;    /* of the whole; NULL: a tensor that the kernel does not have */
  const struct shape* tensors; /* of those it has, as the kernel takes them */
  const char* split;           /* for each of `data`: '1' where a part has a part of it */
  int64_t each, asked;
  int serial;
};

static int run_part(const struct problem* whole, int64_t first) {
  const float* data[MOST_TENSORS];
  const struct shape* tensor = whole->tensors;
  for (int i = 0; whole->split[i] != '\0'; i++) {
    data[i] = whole->data[i];
    if (data[i] == NULL) continue;
    if (whole->split[i] == '1') data[i] += elements_of(tensor) / whole->each * first;
    tensor++;
  }
  return whole->call(whole->variant, data);
}

static int run_task(void* context, int task, uint8_t* closure) {
  const struct problem* const whole = (const struct problem*)(void*)closure;
  const int64_t parts = whole->asked / whole->each, tasks = parts < MOST_TASKS ? parts : MOST_TASKS;
  int error = 0;
  (void)context;
  for (int64_t i = parts * task / tasks; i < parts * (task + 1) / tasks && error == 0; i++) {
    error = run_part(whole, i * whole->each);
  }
  return error;
}

/* A kernel's error. What is left over at the end is a part that begins earlier: its first elements
 * are computed again, which may round them another way, so it is run when all others are done. */
static int run_in_parts(const struct problem* whole) {
  const int64_t parts = whole->asked / whole->each;
  int error = 0;
  if (whole->asked == whole->each) return whole->call(whole->variant, whole->data);
  if (whole->serial) {
    error = halide_do_par_for(NULL, run_task, 0, (int)(parts < MOST_TASKS ? parts : MOST_TASKS),
                              (uint8_t*)(uintptr_t)whole);
  } else {
    for (int64_t i = 0; i < parts && error == 0; i++) error = run_part(whole, i * whole->each);
  }
  if (error != 0 || whole->asked % whole->each == 0) return error;
  return run_part(whole, whole->asked - whole->each);
}

/* What a kernel tuned for `sizes` takes for those asked, INFINITY where it cannot run them. */
static double time_in_parts(const int64_t* sizes, int count, struct run run, const int64_t* asked) {
  const size_t others = (size_t)(count - 1) * sizeof *sizes;
  if (sizes[0] > asked[0] || memcmp(sizes + 1, asked + 1, others) != 0) return INFINITY;
  return run.time * (double)((asked[0] + sizes[0] - 1) / sizes[0]);
}

/* Floats of the packed operand: `packed` where it does not go by the first size (`asked` is 0),
 * else as many parts of it as asked. */
static inline int64_t packed_floats(const struct shape* packed, int64_t each, int64_t asked) {
  return asked <= each ? elements_of(packed) : elements_of(packed) / each * asked;
}

static inline int pack_in_parts(int (*pack)(halide_buffer_t*, halide_buffer_t*),
                                const struct shape* plain, const float* from,
                                const struct shape* packed, float* to, int64_t each, int64_t asked) {
  int status = pack_with(pack, plain, from, packed, to);
  for (int64_t done = each; done < asked && status == $PREFIX_OK; done += each) {
    const int64_t first = done + each <= asked ? done : asked - each;
    status = pack_with(pack, plain, from + elements_of(plain) / each * first, packed,
                       to + elements_of(packed) / each * first);
  }
  return status;
}
)";
}

}  // namespace halyard
